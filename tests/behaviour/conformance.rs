//! Reference results of the authors' package.

use std::{collections::HashMap, fs, path::PathBuf};

use burn::tensor::Device;
use lfp_experiments::conformance::{
    ActivationPlacement, Case, CaseError, MAX_TOLERANCE, Malformed, Row, find,
};
use safetensors::{SafeTensors, tensor::TensorView};

fn cases() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("cases")
}

/// Runs every public case.
fn assert_every_case_passes(run: impl Fn(&Case) -> Vec<Row>) {
    let paths = find(&cases()).unwrap();
    assert_eq!(paths.len(), 34);
    for path in paths {
        let case = Case::load(&path).unwrap();
        let rows = run(&case);
        let bytes = fs::read(&path).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let references = file.names().into_iter().filter(|name| {
            ["output", "reward", "input_reward"].contains(name) || name.starts_with("feedback/")
        });
        assert_eq!(rows.len(), references.count(), "{}", case.name());
        for row in rows {
            assert!(row.passed(), "{}: {row}", case.name());
        }
    }
}

#[test]
fn every_case_passes() {
    assert_every_case_passes(|case| case.run(&Device::default()).unwrap());
}

#[test]
fn every_case_passes_with_activations_in_layers_of_their_own() {
    assert_every_case_passes(|case| {
        let own = ActivationPlacement::OwnLayer;
        case.run_with(&Device::default(), own).unwrap()
    });
}

/// Other cases of the same format, in the folder of this environment variable.
const MORE_CASES: &str = "LFP_CONFORMANCE_DIR";

#[test]
fn further_cases_pass() {
    let Some(folder) = std::env::var_os(MORE_CASES) else {
        eprintln!("skipped: {MORE_CASES} is not set");
        return;
    };
    let mut compared = 0;
    for path in find(&PathBuf::from(folder)).unwrap() {
        let case = match Case::load(&path) {
            Err(CaseError::Malformed {
                reason: Malformed::Metadata { key: "format", .. },
                ..
            }) => {
                eprintln!("skipped: {} has another format", path.display());
                continue;
            }
            case => case.unwrap(),
        };
        for row in case.run(&Device::default()).unwrap() {
            assert!(row.passed(), "{}: {row}", case.name());
            compared += 1;
        }
    }
    assert!(compared > 0, "the folder has no case of this format");
}

/// A valid case of format 1 after `change` of its tensors and metadata.
fn changed(
    change: impl FnOnce(&mut HashMap<String, Vec<u8>>, &mut HashMap<String, String>),
) -> Vec<u8> {
    changed_case("mlp_relu", change)
}

/// The same for any public case.
fn changed_case(
    name: &str,
    change: impl FnOnce(&mut HashMap<String, Vec<u8>>, &mut HashMap<String, String>),
) -> Vec<u8> {
    let bytes = fs::read(cases().join(format!("{name}.safetensors"))).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let mut metadata = header.metadata().clone().unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: HashMap<_, _> = file
        .iter()
        .map(|(name, view)| (name.to_owned(), view.data().to_vec()))
        .collect();
    change(&mut tensors, &mut metadata);
    let views: Vec<_> = tensors
        .iter()
        .map(|(name, data)| {
            let view = file.tensor(name).unwrap();
            // A tensor of another length becomes a vector.
            let shape = match data.len() == view.data().len() {
                true => view.shape().to_vec(),
                false => vec![data.len() / view.dtype().bitsize().div_ceil(8)],
            };
            (
                name.clone(),
                TensorView::new(view.dtype(), shape, data).unwrap(),
            )
        })
        .collect();
    safetensors::serialize(views, Some(metadata)).unwrap()
}

/// Loads and runs a case.
fn run(bytes: &[u8]) -> Result<Vec<Row>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.safetensors");
    fs::write(&path, bytes).unwrap();
    let result = Case::load(&path).and_then(|case| case.run(&Device::default()));
    result.map_err(|error| error.to_string())
}

/// The error of a malformed case.
fn error_of(bytes: &[u8]) -> String {
    let text = run(bytes).expect_err("the case is malformed");
    assert!(text.contains("case.safetensors"), "names the file: {text}");
    assert!(!text.contains('\n'), "one line: {text}");
    text
}

fn with_metadata(key: &str, value: &str) -> Vec<u8> {
    changed(|_, metadata| {
        metadata.insert(key.to_owned(), value.to_owned());
    })
}

/// A case with the first value of a float tensor replaced.
fn with_value(tensor: &str, value: f32) -> Vec<u8> {
    changed(|tensors, _| {
        tensors.get_mut(tensor).unwrap()[..4].copy_from_slice(&value.to_le_bytes())
    })
}

#[test]
fn malformed_metadata_is_named() {
    let set = |key, value| error_of(&with_metadata(key, value));
    assert!(set("layers", "[{").contains("JSON"));
    assert!(set("layers", r#"[{"type": "attention"}]"#).contains("attention"));
    assert!(set("epsilon", "0").contains("positive"));
    assert!(set("tolerance", "much").contains("tolerance"));
    assert!(set("reward", "praise").contains("praise"));
    assert!(set("format", "lfp-conformance/9").contains("lfp-conformance/1"));
    let twice = r#"[{"type": "linear", "name": "fc1"}, {"type": "linear", "name": "fc1"}]"#;
    assert!(set("layers", twice).contains("fc1.weight"));
}

#[test]
fn malformed_tensors_are_named() {
    let without = |name: &str| {
        error_of(&changed(|tensors, _| {
            tensors.remove(name);
        }))
    };
    assert!(without("param/fc2.weight").contains("param/fc2.weight"));
    assert!(without("labels").contains("labels"));
    assert!(without("feedback/fc1.bias").contains("feedback/fc1.bias"));
    let shorter = |name: &str| {
        error_of(&changed(|tensors, _| {
            let data = tensors.get_mut(name).unwrap();
            data.truncate(data.len() - 8);
        }))
    };
    assert!(shorter("param/fc2.bias").contains("fc2.bias"));
    assert!(shorter("input").contains("input"));
    assert!(shorter("labels").contains("labels"));
    let label = changed(|tensors, _| tensors.get_mut("labels").unwrap()[..8].fill(0x7f));
    let label = error_of(&label);
    assert!(label.contains("classes from 0 to 2"), "{label}");
    assert!(error_of(b"not a case").contains("safetensors"));
    let bytes = fs::read(cases().join("mlp_relu.safetensors")).unwrap();
    assert!(error_of(&bytes[..bytes.len() / 2]).contains("safetensors"));
}

#[test]
fn a_reference_that_would_not_be_compared_is_refused() {
    // Without `fc3` in the network, its feedback has no counterpart.
    let fewer = r#"[{"type": "linear", "name": "fc1"}, {"type": "activation", "function": "relu"},
        {"type": "linear", "name": "fc2"}]"#;
    let error = error_of(&with_metadata("layers", fewer));
    assert!(error.contains("feedback/fc3"), "{error}");
}

#[test]
fn a_tolerance_above_the_bound_is_refused() {
    for tolerance in ["0.021", "1", "1e30", "inf", "NaN", "-1e-5"] {
        let error = error_of(&with_metadata("tolerance", tolerance));
        assert!(error.contains("tolerance"), "{error}");
        assert!(error.contains("bound of 2e-2"), "{error}");
        let found: f64 = tolerance.parse().unwrap();
        assert!(error.contains(&format!("found {found:e}")), "{error}");
    }
    let bound = with_metadata("tolerance", &MAX_TOLERANCE.to_string());
    assert!(run(&bound).unwrap().iter().all(Row::passed));
}

#[test]
fn non_finite_references_fail() {
    for tensor in ["output", "reward", "input_reward", "feedback/fc1.weight"] {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let rows = run(&with_value(tensor, value)).unwrap();
            let failed: Vec<_> = rows.iter().filter(|row| !row.passed()).collect();
            assert_eq!(failed.len(), 1, "{tensor}: {value}");
            assert_eq!(failed[0].tensor, tensor);
        }
    }
}

#[test]
fn non_finite_results_fail() {
    // Only the first sample has a non-finite output: finite values follow it.
    let rows = run(&with_value("input", f32::NAN)).unwrap();
    let passed = |name: &str| {
        let row = rows.iter().find(|row| row.tensor == name);
        row.unwrap().passed()
    };
    for tensor in ["output", "reward", "input_reward", "feedback/fc1.weight"] {
        assert!(!passed(tensor), "{tensor}");
    }
}

/// The error of a public case with other layers.
fn error_with_layers(case: &str, layers: &str) -> String {
    error_of(&changed_case(case, |_, metadata| {
        metadata.insert("layers".to_owned(), layers.to_owned());
    }))
}

#[test]
fn a_layer_of_the_other_format_is_refused_by_name() {
    let norm = r#"{"type": "layer_norm", "name": "norm", "eps": 1e-5, "statistics": "through"}"#;
    let nested = format!(r#"[{{"type": "residual", "body": [{norm}], "shortcut": []}}]"#);
    let error = error_with_layers("mlp_relu", &nested);
    assert!(
        error.contains("layer_norm") && error.contains("lfp-conformance/1"),
        "{error}"
    );
    let lif = r#"[{"type": "lif", "beta": 0.9, "threshold": 1.0}]"#;
    let error = error_with_layers("mlp_gelu", lif);
    assert!(
        error.contains("lif") && error.contains("lfp-conformance/2"),
        "{error}"
    );
    let error = error_with_layers("mlp_gelu", r#"[{"type": "rotary_embedding"}]"#);
    assert!(error.contains("rotary_embedding"), "{error}");
    let statistics = norm.replace("through", "running");
    let error = error_with_layers("mlp_gelu", &format!("[{statistics}]"));
    assert!(error.contains("running"), "{error}");
}

#[test]
fn sizes_in_a_case_reserve_no_memory() {
    for (layer, words) in [
        (
            r#"{"type": "adaptive_avg_pool2d", "output": [1000000000, 1000000000]}"#,
            "[3, 1000000000, 1000000000] for each of 4 samples and 1 steps are more than 67108864 values",
        ),
        (
            r#"{"type": "max_pool2d", "kernel": [2, 2], "stride": [1, 1], "padding": [2000, 2000]}"#,
            "more than 67108864 values",
        ),
        (
            r#"{"type": "conv2d", "name": "c1", "stride": [1, 1], "padding": [1000000, 1000000],
                "dilation": [1, 1], "groups": 1}"#,
            "padding [1000000, 1000000]",
        ),
    ] {
        let error = error_with_layers("conv_avg_pool", &format!("[{layer}]"));
        assert!(error.contains(words), "expected \"{words}\" in: {error}");
    }
}

#[test]
fn tokens_that_do_not_fit_are_named() {
    let attention = |heads: usize| {
        format!(
            r#"[{{"type": "attention", "name": "attention", "heads": {heads}, "causal": false}}]"#
        )
    };
    let error = error_with_layers("attention", &attention(5));
    assert!(
        error.contains("5 heads do not divide a width of 12"),
        "{error}"
    );
    assert!(error_with_layers("attention", &attention(0)).contains("0 heads"));
    let error = error_with_layers("attention", r#"[{"type": "select_token", "index": 5}]"#);
    assert!(error.contains("no token 5 in a sequence of 5"), "{error}");
    let error = error_with_layers("attention", r#"[{"type": "to_tokens"}]"#);
    assert!(error.contains("expected maps, found tokens"), "{error}");
    let error = error_with_layers("mlp_gelu", r#"[{"type": "mean_tokens"}]"#);
    assert!(error.contains("expected tokens"), "{error}");
    let error = error_with_layers("sequence_last_causal", r#"[{"type": "mean_tokens"}]"#);
    assert!(error.contains("token_embedding"), "{error}");
    let embedding = r#"[{"type": "token_embedding", "name": "token"}]"#;
    let error = error_with_layers("mlp_gelu", embedding);
    assert!(error.contains("int64"), "{error}");
    // The vocabulary has 11 tokens.
    let unknown = changed_case("sequence_last_causal", |tensors, _| {
        tensors.get_mut("input").unwrap()[..8].copy_from_slice(&11_i64.to_le_bytes());
    });
    let error = error_of(&unknown);
    assert!(
        error.contains("token 11 is outside the vocabulary of 0 to 10"),
        "{error}"
    );
    let rows = changed_case("vit", |tensors, _| {
        let table = tensors.get_mut("param/position.weight").unwrap();
        table.truncate(table.len() - 48);
    });
    assert!(error_of(&rows).contains("position.weight"));
}

#[test]
fn the_epsilons_of_format_2_are_checked() {
    for key in ["sum_epsilon", "matmul_epsilon", "embedding_epsilon"] {
        let missing = changed_case("mlp_gelu", |_, metadata| {
            metadata.remove(key);
        });
        assert!(error_of(&missing).contains(key));
        let negative = changed_case("mlp_gelu", |_, metadata| {
            metadata.insert(key.to_owned(), "-1e-8".to_owned());
        });
        assert!(error_of(&negative).contains("positive"));
    }
}

/// `encoder_block` with another rule for the layer normalisation `norm`.
fn encoder_with(norm: &str, statistics: &str) -> Vec<Row> {
    let case = changed_case("encoder_block", |_, metadata| {
        let layers = metadata.get_mut("layers").unwrap();
        let start = layers.find(norm).unwrap();
        let rest = layers[start..].replacen("through", statistics, 1);
        layers.replace_range(start.., &rest);
    });
    run(&case).unwrap()
}

#[test]
fn each_layer_normalisation_of_a_case_may_have_its_own_rule() {
    let failed = |rows: &[Row]| -> Vec<String> {
        let failed = rows.iter().filter(|row| !row.passed());
        failed.map(|row| row.tensor.clone()).collect()
    };
    assert!(failed(&encoder_with("block.norm1", "through")).is_empty());
    // The rule of the second normalisation reaches everything below it, that of the first only the input.
    let first = failed(&encoder_with("block.norm1", "constant"));
    assert_eq!(first, ["input_reward"]);
    let second = failed(&encoder_with("block.norm2", "constant_deviation"));
    assert!(
        second
            .iter()
            .any(|name| name == "feedback/block.attention.output.weight")
    );
    assert!(
        !second
            .iter()
            .any(|name| name.starts_with("feedback/block.norm2"))
    );
}

#[test]
fn the_bias_of_a_key_is_compared_with_that_of_the_query() {
    // A softmax ignores what is added to all scores of a row, so the bias of a key gets only rounding errors.
    let case = Case::load(&cases().join("attention.safetensors")).unwrap();
    let rows = case.run(&Device::default()).unwrap();
    let error = |name: &str| rows.iter().find(|row| row.tensor == name).unwrap().error;
    assert!(error("feedback/attention.key.bias") <= 2e-5);
    let swapped = changed_case("attention", |tensors, _| {
        let scale = tensors["feedback/attention.query.bias"].clone();
        let bias = tensors.get_mut("feedback/attention.key.bias").unwrap();
        bias.copy_from_slice(&scale);
    });
    let rows = run(&swapped).unwrap();
    let row = rows
        .iter()
        .find(|row| row.tensor == "feedback/attention.key.bias")
        .unwrap();
    assert!(!row.passed());
}
