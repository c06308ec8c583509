//! `demo heaviside`.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{Digits, path, program, refused, succeeds};

/// The curves that a demo wrote.
fn curves(out: &str) -> Vec<Value> {
    let text = fs::read_to_string(Path::new(out).join("heaviside.json")).unwrap();
    let mut json: Value = serde_json::from_str(&text).unwrap();
    serde_json::from_value(json["curves"].take()).unwrap()
}

/// A value of a curve, of each seed and learning rate.
fn values(curve: &Value, name: &str) -> Vec<f64> {
    let seeds = curve["seeds"].as_array().unwrap().iter();
    let tests = seeds.flat_map(|tests| tests.as_array().unwrap());
    tests.map(|test| test[name].as_f64().unwrap()).collect()
}

#[test]
fn demo_heaviside_learns_by_steps_and_draws_it() {
    let data = Digits::new(600, 200);
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str| {
        let out = path(&folder, name);
        let sizes = ["--samples", "600", "--epochs", "8", "--seeds", "1"];
        let compared = ["--epsilons", "0.1", "--rates", "0.1,0.01"];
        let places = ["--data-dir", data.path(), "--out", &out];
        let said = succeeds(&[&["demo", "heaviside"][..], &sizes, &compared, &places].concat());
        assert!(
            said.contains("LFP, homeostasis, epsilon 0.1, rate 0.01, seed 0: "),
            "{said}"
        );
        assert!(said.contains("best rate"), "{said}");
        curves(&out)
    };
    let first = run("first");
    let names: Vec<&str> = first
        .iter()
        .map(|curve| curve["way"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "gradient",
            "lfp",
            "momentum",
            "biases",
            "homeostasis",
            "all"
        ]
    );
    for curve in &first {
        let accuracies = values(curve, "accuracy");
        assert_eq!(accuracies.len(), 2, "one for each learning rate");
        // A tenth is chance.
        let best = accuracies.iter().copied().fold(0.0, f64::max);
        assert!(best > 0.4, "{curve}");
    }
    // Homeostasis lets fewer neurons be silent than LFP alone.
    let silent = |index: usize| values(&first[index], "silent").iter().sum::<f64>();
    assert!(silent(4) < silent(1), "{first:?}");
    for kind in ["png", "svg"] {
        assert!(Path::new(&path(&folder, &format!("first/heaviside.{kind}"))).is_file());
    }
    assert_eq!(run("second"), first, "the same seeds give the same numbers");
}

#[test]
fn options_of_demo_heaviside_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "out");
    for (options, words) in [
        ("--rates 0.1,0.1", "--rates names 0.1 twice"),
        ("--epsilons 0.1,0.1", "--epsilons names 0.1 twice"),
        (
            "--ways gradient --epsilons 0.1",
            "--epsilons has no effect: --ways leaves out LFP",
        ),
        (
            "--ways momentum --firing-rate 0.1",
            "--firing-rate has no effect: --ways leaves out",
        ),
    ] {
        let options: Vec<&str> = options.split(' ').collect();
        refused(
            &[&["demo", "heaviside"][..], &options, &["--out", &out]].concat(),
            &[words],
        );
        assert!(!Path::new(&out).exists());
    }
    for (option, value, words) in [
        ("--firing-rate", "0", "above 0 and below 1"),
        ("--firing-rate", "1", "above 0 and below 1"),
        ("--rates", "0", "positive"),
        ("--epsilons", "-1", "positive"),
        ("--samples", "99", "from 100 to 60000"),
    ] {
        let option = format!("{option}={value}");
        let output = program(&["demo", "heaviside", &option]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{option} said: {said}");
        assert!(said.contains(words), "{said}");
    }
}
