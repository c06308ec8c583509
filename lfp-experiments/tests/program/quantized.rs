//! Networks with quantised weights.

use std::{fs, path::Path};

use super::{Digits, path, program, succeeds};

#[test]
fn demo_quantized_trains_binary_weights_and_exports_them() {
    let data = Digits::new(1000, 300);
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "quantized");
    let printed = succeeds(&[
        "demo",
        "quantized",
        "--bits",
        "4,1",
        "--samples",
        "1000",
        "--test-samples",
        "300",
        "--epochs",
        "10",
        "--data-dir",
        data.path(),
        "--out",
        &out,
    ]);
    assert!(printed.contains("LFP, rewards conserved"), "{printed}");
    let out = Path::new(&out);
    assert!(out.join("quantized.png").is_file() && out.join("quantized.svg").is_file());
    let text = fs::read_to_string(out.join("quantized.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let accuracies = json["accuracies"].as_array().unwrap();
    // Three ways with two numbers of bits; two ways that have full precision, too.
    assert_eq!(accuracies.len(), 3 * 2 + 2 * 3);
    let of = |way: &str, bits: u64| {
        let mut found = accuracies.iter();
        let found = found
            .find(|of| of["way"] == way && of["bits"] == bits)
            .unwrap();
        found["seeds"][0].as_f64().unwrap()
    };
    // A tenth is chance.
    assert!(of("lfp", 1) > 0.5, "{accuracies:?}");
    assert!(of("lfp-rounded", 32) > 0.5, "{accuracies:?}");
    for export in json["exports"].as_array().unwrap() {
        let bytes = |name: &str| export[name].as_f64().unwrap();
        assert!(bytes("bytes") < 0.4 * bytes("bytes_before"), "{export}");
        let bits = export["bits"].as_u64().unwrap();
        assert!(
            (export["accuracy"].as_f64().unwrap() - of("lfp", bits)).abs() < 0.1,
            "{export}"
        );
    }
}

#[test]
fn a_run_with_binary_weights_resumes_and_is_read_with_them() {
    let data = Digits::new(400, 100);
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "run");
    let train = |epochs: &str, more: &[&str]| {
        let arguments = [
            &[
                "train",
                "--model",
                "mlp",
                "--weight-bits",
                "1",
                "--activation",
                "sign",
                "--epochs",
                epochs,
            ][..],
            &["--data-dir", data.path(), "--out", &out],
            more,
        ];
        program(&arguments.concat())
    };
    let first = train("2", &[]);
    assert!(
        first.status.success(),
        "{}",
        String::from_utf8_lossy(&first.stderr)
    );
    let other = train("2", &["--resume", "--weight-bits", "2"]);
    assert_eq!(other.status.code(), Some(2));
    let settings = fs::read_to_string(Path::new(&out).join("settings.json")).unwrap();
    assert!(settings.contains("\"weight_bits\": 1"), "{settings}");
    // The file holds the latent weights, of many values; what reads the run has the quantised ones, as in training.
    let result: serde_json::Value =
        serde_json::from_slice(&fs::read(Path::new(&out).join("result.json")).unwrap()).unwrap();
    let evaluation: serde_json::Value =
        serde_json::from_slice(&fs::read(Path::new(&out).join("evaluation.json")).unwrap())
            .unwrap();
    let trained = result["test_accuracy"][1].as_f64().unwrap();
    let read = evaluation["last"]["accuracy"]["top1"].as_f64().unwrap();
    assert!(
        (trained - read).abs() < 1e-12,
        "{trained} in training, {read} read"
    );
}

#[test]
fn options_of_quantised_weights_are_checked() {
    let refused = |arguments: &[&str], words: &str| {
        let output = program(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(words), "expected \"{words}\" in: {said}");
    };
    refused(&["train", "--weight-bits", "9"], "from 1 to 8");
    refused(
        &["train", "--latent-rule", "straight-through"],
        "--latent-rule has no effect",
    );
    refused(
        &["demo", "quantized", "--bits", "1,1"],
        "--bits names 1 twice",
    );
    refused(
        &["demo", "quantized", "--model", "resnet18"],
        "larger images than MNIST and CIFAR-10",
    );
    refused(
        &["demo", "quantized", "--activation", "levels:1"],
        "levels:1",
    );
}
