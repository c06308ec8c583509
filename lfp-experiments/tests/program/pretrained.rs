//! Weights to start from.

use std::{fs, path::Path};

use safetensors::SafeTensors;
use tempfile::TempDir;

use super::{
    path,
    photographs::{image_folder, on_folder},
    program, refused, succeeds,
};

/// Photographs of three classes, and the weights of a ResNet that was trained on them.
struct Trained {
    root: TempDir,
    weights: String,
}

impl Trained {
    fn new() -> Self {
        let root = image_folder(3, 4, 2);
        let run = path(&root, "trained");
        let weights = format!("{run}/final.safetensors");
        let trained = Self { root, weights };
        succeeds(&trained.arguments("resnet32", &["--out", &run]));
        trained
    }

    fn folder(&self) -> &str {
        self.root.path().to_str().unwrap()
    }

    /// Leaves two classes.
    fn remove_a_class(&self) {
        for part in ["train", "test"] {
            let class = self.root.path().join(part).join("class2");
            fs::remove_dir_all(class).unwrap();
        }
    }

    fn arguments<'a>(&'a self, model: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        // Steps that are too small to see.
        let still = ["--lr", "1e-5", "--clip", "0"];
        [&on_folder(self.folder(), model)[..], &still, more].concat()
    }
}

#[test]
fn a_run_starts_from_the_weights_of_another() {
    let trained = Trained::new();
    let out = path(&trained.root, "out");
    let more = ["--out", &out, "--seed", "1", "--pretrained"];
    let more = [&more[..], &[&trained.weights]].concat();
    succeeds(&trained.arguments("resnet32", &more));
    let convolution = |file: &str| -> Vec<f32> {
        let file = fs::read(file).unwrap();
        let file = SafeTensors::deserialize(&file).unwrap();
        let weights = file.tensor("layer3.0.conv1.weight").unwrap();
        let numbers = weights.data().chunks(4);
        numbers
            .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
            .collect()
    };
    let before = convolution(&trained.weights);
    let after = convolution(&format!("{out}/final.safetensors"));
    let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-4;
    assert!(!before.is_empty() && before.len() == after.len());
    assert!(before.iter().zip(&after).all(close));
}

#[test]
fn weights_for_other_classes_load_without_the_last_layer_to_be_trained_and_not_to_be_used() {
    let trained = Trained::new();
    trained.remove_a_class();
    let out = path(&trained.root, "out");
    let more = ["--out", &out, "--pretrained", &trained.weights];
    let output = program(&trained.arguments("resnet32", &more));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && said.contains("the number of classes differs"),
        "{said}"
    );
    // To be used as it is, a network must have its own classes.
    fs::copy(&trained.weights, Path::new(&out).join("final.safetensors")).unwrap();
    refused(
        &[
            "prune",
            "--checkpoint",
            &out,
            "--data-dir",
            trained.folder(),
        ],
        &["do not fit", "fc.weight (expected [2, 64], found [3, 64])"],
    );
}

#[test]
fn what_the_network_does_not_have_is_ignored_on_request_only() {
    let trained = Trained::new();
    let extra = path(&trained.root, "extra.safetensors");
    let file = fs::read(&trained.weights).unwrap();
    let file = SafeTensors::deserialize(&file).unwrap();
    let more = ("projection", file.tensor("conv1.weight").unwrap());
    safetensors::serialize_to_file(file.iter().chain([more]), None, Path::new(&extra)).unwrap();
    // The last layer differs, too.
    trained.remove_a_class();
    let out = path(&trained.root, "out");
    let from = ["--out", &out, "--pretrained", &extra];
    let strict = trained.arguments("resnet32", &from);
    let allowing = |what| [&strict[..], &["--pretrained-allow", what]].concat();
    refused(
        &strict,
        &["unused: projection", "--pretrained-allow unused"],
    );
    refused(
        &allowing("head"),
        &[
            "unused: projection",
            "--pretrained-allow head,unused loads the rest",
        ],
    );
    succeeds(&allowing("unused"));
    let settings = fs::read_to_string(Path::new(&out).join("settings.json")).unwrap();
    assert!(settings.contains("unused"), "{settings}");
}

#[test]
fn weights_of_another_network_and_differences_to_no_weights_are_refused() {
    let trained = Trained::new();
    let out = path(&trained.root, "out");
    let other = ["--out", &out, "--pretrained", &trained.weights];
    refused(
        &trained.arguments("vgg-like", &other),
        &["final.safetensors", "do not fit", "missing: "],
    );
    refused(
        &trained.arguments("resnet32", &["--pretrained-allow", "head"]),
        &["--pretrained <"],
    );
}
