//! Vision Transformers; frozen parts; the cosine schedule.

use std::{collections::BTreeMap, fs, path::Path};

use safetensors::SafeTensors;

use super::{Digits, path, refused, succeeds, weights};

/// Trains `vit-tiny` on generated digits.
fn train<'a>(data: &'a Digits, out: &'a str, more: &'a str) -> Vec<&'a str> {
    let settings = "train --model vit-tiny --batch 32";
    let arguments = settings
        .split(' ')
        .chain(["--data-dir", data.path(), "--out", out]);
    arguments.chain(more.split(' ')).collect()
}

fn accuracy(run: &str) -> f64 {
    let result = fs::read_to_string(Path::new(run).join("result.json")).unwrap();
    let result: serde_json::Value = serde_json::from_str(&result).unwrap();
    let accuracies = result["test_accuracy"].as_array().unwrap();
    accuracies.last().unwrap().as_f64().unwrap()
}

#[test]
fn a_vision_transformer_learns_by_both_methods_with_warm_up_and_cosine() {
    let data = Digits::new(640, 100);
    let folder = tempfile::tempdir().unwrap();
    for method in ["lfp", "gradient"] {
        let run = path(&folder, method);
        let more =
            format!("--epochs 4 --lr 0.005 --schedule cosine --warmup 0.25 --method {method}");
        succeeds(&train(&data, &run, &more));
        let found = accuracy(&run);
        assert!(found > 0.9, "{method}: {found}");
        let metrics = fs::read_to_string(Path::new(&run).join("metrics.csv")).unwrap();
        let last: f64 = metrics
            .lines()
            .last()
            .and_then(|line| line.split(',').nth(1))
            .unwrap()
            .parse()
            .unwrap();
        assert!(last < 1e-4, "the rate falls to zero: {metrics}");
    }
}

/// The weights of a run by PyTorch's names.
fn tensors(run: &str) -> BTreeMap<String, Vec<u8>> {
    let file = weights(run);
    let file = SafeTensors::deserialize(&file).unwrap();
    let tensors = file
        .iter()
        .map(|(name, view)| (name.to_owned(), view.data().to_vec()));
    tensors.collect()
}

#[test]
fn frozen_parts_keep_their_weights() {
    let data = Digits::new(64, 32);
    let folder = tempfile::tempdir().unwrap();
    for method in ["lfp", "gradient"] {
        // Decay alone would move a weight.
        let more = format!(
            "--freeze embeddings|encoder.layers.[0-1] --weight-decay 0.1 --method {method}"
        );
        let [short, long] = ["1", "3"].map(|epochs| {
            let run = path(&folder, &format!("{method}-{epochs}"));
            succeeds(&train(&data, &run, &format!("{more} --epochs {epochs}")));
            tensors(&run)
        });
        let frozen = ["conv_proj", "class_token", "encoder.pos_embedding"];
        let frozen_layers = [
            "encoder.layers.encoder_layer_0.",
            "encoder.layers.encoder_layer_1.",
        ];
        for (name, values) in &short {
            let is_frozen = frozen
                .iter()
                .chain(&frozen_layers)
                .any(|part| name.starts_with(part));
            assert_eq!(&long[name] == values, is_frozen, "{method}: {name}");
        }
    }
}

#[test]
fn options_of_layers_that_are_all_frozen_are_refused() {
    let data = Digits::new(64, 32);
    let folder = tempfile::tempdir().unwrap();
    let run = path(&folder, "run");
    let arguments = |more: &str| -> Vec<String> {
        let places = ["train", "--data-dir", data.path(), "--out", &run];
        let given = "--epochs 1 --batch 32";
        let words = places
            .into_iter()
            .chain(given.split(' '))
            .chain(more.split(' '));
        words.map(str::to_owned).collect()
    };
    let refused_with = |more: &str, words: &[&str]| {
        refused(&arguments(more), words);
    };
    let frozen = "--model mlp --freeze dropout|layers.0";
    // The last is the default.
    for option in [
        "--dropout 0.2",
        "--lfp-dropout scale",
        "--lfp-dropout conserve",
    ] {
        let name = option.split(' ').next().unwrap();
        refused_with(
            &format!("{frozen} {option}"),
            &[name, "has no effect", "no dropout that trains"],
        );
    }
    succeeds(&arguments("--model mlp --freeze layers.0 --dropout 0.2"));
}

#[test]
fn a_run_whose_recorded_options_act_on_frozen_layers_alone_is_resumed() {
    let data = Digits::new(64, 32);
    let folder = tempfile::tempdir().unwrap();
    let run = path(&folder, "run");
    let line = "train --model mlp --freeze dropout|layers.0 --epochs 1 --batch 32 --data-dir";
    let places = [data.path(), "--out", &run];
    succeeds(&line.split(' ').chain(places).collect::<Vec<_>>());
    // Stopped before its first checkpoint, by a version that did not refuse this.
    for entry in fs::read_dir(&run).unwrap() {
        let path = entry.unwrap().path();
        match path.file_name().unwrap().to_str().unwrap() {
            "settings.json" => {
                let content = fs::read(&path).unwrap();
                let mut settings: serde_json::Value = serde_json::from_slice(&content).unwrap();
                settings["dropout"] = 0.2.into();
                fs::write(&path, settings.to_string()).unwrap();
            }
            ".lock" => {}
            _ if path.is_dir() => fs::remove_dir_all(&path).unwrap(),
            _ => fs::remove_file(&path).unwrap(),
        }
    }
    let resume = ["train", "--resume", "--out", &run];
    refused(
        &[&resume[..], &["--dropout", "0.2"]].concat(),
        &["--dropout has no effect"],
    );
    succeeds(&resume);
}

#[test]
fn a_pattern_that_freezes_nothing_or_everything_is_refused() {
    let data = Digits::new(32, 32);
    let folder = tempfile::tempdir().unwrap();
    let run = path(&folder, "run");
    for (pattern, words) in [
        // Not layer 1, nor a part of a name.
        ("encoder.layers.10", ["encoder.layers.10", "no parameter"]),
        ("embed", ["embeddings.patches.weight", "head.weight"]),
        (".*", ["leaves no parameter", "train"]),
        ("head(", ["no regular expression", "unclosed group"]),
    ] {
        refused(&train(&data, &run, &format!("--freeze {pattern}")), &words);
    }
    let lenet = [
        "train",
        "--data-dir",
        data.path(),
        "--out",
        &run,
        "--freeze",
    ];
    refused(
        &[&lenet[..], &["conv3"]].concat(),
        &["conv3", "conv1.weight", "fc3.weight"],
    );
}

#[test]
fn images_that_are_not_made_of_patches_are_refused_by_name() {
    let data = Digits::new(32, 32);
    let folder = tempfile::tempdir().unwrap();
    let run = path(&folder, "run");
    let mut arguments = train(&data, &run, "--epochs 1");
    arguments.extend(["--model", "vit-b-16"]);
    arguments.drain(1..3);
    refused(&arguments, &["16x16", "28x28"]);
}

#[test]
fn an_explanation_of_a_vision_transformer_shows_its_attention() {
    let data = Digits::new(64, 32);
    let folder = tempfile::tempdir().unwrap();
    let width = |model: &str| {
        let (run, out) = (path(&folder, model), path(&folder, &format!("{model}-out")));
        let line = format!("train --epochs 1 --model {model} --out {run} --data-dir");
        succeeds(&line.split(' ').chain([data.path()]).collect::<Vec<_>>());
        let line = format!("explain --count 1 --checkpoint {run} --out {out} --data-dir");
        succeeds(&line.split(' ').chain([data.path()]).collect::<Vec<_>>());
        let file = fs::read_dir(&out).unwrap().next().unwrap().unwrap().path();
        image::open(file).unwrap().width()
    };
    assert!(width("vit-tiny") > width("lenet"));
}
