//! Networks with quantised weights.

use std::{collections::HashSet, fs, path::Path};

use safetensors::SafeTensors;

use super::{Digits, path, refused, resuming::stopped_after, succeeds, weights};

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
fn a_run_with_quantised_weights_resumes_and_is_read_with_them() {
    let data = Digits::new(400, 100);
    let folder = tempfile::tempdir().unwrap();
    let [whole, stopped] = ["whole", "stopped"].map(|name| path(&folder, name));
    let settings = ["--model", "mlp", "--weight-bits", "2", "--epochs", "4"];
    let places = ["--data-dir", data.path(), "--out", &whole];
    succeeds(&[&["train", "--activation", "sign"][..], &settings, &places].concat());
    stopped_after(3, &whole, &stopped);
    let resume = ["train", "--resume", "--out", &stopped];
    let other = [&resume[..], &["--weight-bits", "1"]].concat();
    refused(&other, &["--weight-bits 2, now --weight-bits 1"]);
    let said = succeeds(&resume);
    assert!(said.contains("resumed after epoch 3"), "{said}");
    assert!(weights(&stopped) == weights(&whole));

    // The file holds the latent weights, of many values...
    let file = weights(&whole);
    let tensors = SafeTensors::deserialize(&file).unwrap();
    for (name, tensor) in tensors
        .iter()
        .filter(|(_, tensor)| tensor.shape().len() > 1)
    {
        let values: HashSet<&[u8]> = tensor.data().chunks(4).collect();
        let outputs = tensor.shape()[0];
        assert!(values.len() > 2 * 4 * outputs, "{name}: {}", values.len());
    }
    // ...and what reads the run has the quantised ones, as in training.
    let json = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(Path::new(&whole).join(name)).unwrap()).unwrap()
    };
    let trained = json("result.json")["test_accuracy"][3].as_f64().unwrap();
    let read = &json("evaluation.json")["last"]["accuracy"]["top1"];
    let read = read.as_f64().unwrap();
    assert!(
        (trained - read).abs() < 1e-12,
        "{trained} in training, {read} read"
    );
}

#[test]
fn options_of_quantised_weights_are_checked() {
    let refused = |arguments: &[&str], words: &str| refused(arguments, &[words]);
    refused(&["train", "--weight-bits", "9"], "from 1 to 8");
    refused(
        &["train", "--latent-rule", "straight-through"],
        "--latent-rule has no effect",
    );
    for model in ["vit-tiny", "snn-mlp"] {
        refused(
            &[
                "demo",
                "quantized",
                "--model",
                model,
                "--activation",
                "relu",
            ],
            "--activation has no effect",
        );
    }
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
