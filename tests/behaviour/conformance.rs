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
    assert_eq!(paths.len(), 21);
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

/// A valid case after `change` of its tensors and metadata.
fn changed(
    change: impl FnOnce(&mut HashMap<String, Vec<u8>>, &mut HashMap<String, String>),
) -> Vec<u8> {
    let bytes = fs::read(cases().join("mlp_relu.safetensors")).unwrap();
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
