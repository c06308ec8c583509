//! Pruning and explaining finished runs.

use std::{fs, path::Path};

use super::{Digits, Report, path, refused, succeeds, train_arguments};

/// A finished run on generated digits.
fn finished(data: &Digits, out: &str, more: &[&str]) {
    let mut arguments = train_arguments(data, out);
    arguments.extend(more);
    succeeds(&arguments);
}

#[test]
fn a_finished_run_is_pruned_by_three_criteria() {
    let data = Digits::new(320, 100);
    let folder = tempfile::tempdir().unwrap();
    let (run, out) = (path(&folder, "run"), path(&folder, "pruned"));
    finished(&data, &run, &[]);
    let arguments = [
        "prune",
        "--checkpoint",
        &run,
        "--data-dir",
        data.path(),
        "--out",
        &out,
    ];
    let table = succeeds(&arguments);
    assert!(table.lines().next().unwrap().contains("local"), "{table}");
    let result = fs::read_to_string(Path::new(&out).join("result.json")).unwrap();
    let result: serde_json::Value = serde_json::from_str(&result).unwrap();
    let trained = fs::read_to_string(Path::new(&run).join("result.json")).unwrap();
    let trained: serde_json::Value = serde_json::from_str(&trained).unwrap();
    let curves = result["curves"].as_array().unwrap();
    assert_eq!(curves.len(), 3);
    for curve in curves {
        let points = curve["points"].as_array().unwrap();
        assert_eq!(points.len(), 21, "from 0 to 1 in steps of 0.05");
        assert_eq!(points[1]["rate"], 0.05);
        assert_eq!(
            points[0]["accuracy"].as_f64().unwrap(),
            trained["test_accuracy"][3].as_f64().unwrap(),
            "nothing pruned yet"
        );
        // Without any connection in its convolutions a network says the same of every image.
        assert_eq!(points[20]["accuracy"], 0.1);
        assert_eq!(points[20]["collapsed"].as_array().unwrap().len(), 2);
        let area = curve["area"].as_f64().unwrap();
        assert!(area > 0.1 && area < 1.0, "{area}");
    }
    assert!(Path::new(&out).join("curves.png").is_file());
    let csv = fs::read_to_string(Path::new(&out).join("curves.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 3 * 21);

    let some = [
        "--criteria",
        "global",
        "--rates",
        "0.1,0.5",
        "--layers",
        "all",
        "--samples",
        "50",
    ];
    let table = succeeds(&[&arguments[..], &some].concat());
    assert_eq!(table.lines().count(), 4, "{table}");
    for rates in ["1.5", "-0.1", "0.5..2", "0.9,0.1", "many"] {
        let rates = format!("--rates={rates}");
        refused(
            &[&arguments[..], &[&rates]].concat(),
            &["--rates", "expected"],
        );
    }
}

#[test]
fn what_is_no_finished_run_of_the_network_is_refused() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let (run, other) = (path(&folder, "run"), path(&folder, "other"));
    let on = |command: &str, run: &str, words: &[&str]| {
        let arguments = [
            command,
            "--checkpoint",
            run,
            "--data-dir",
            data.path(),
            "--out",
            &other,
        ];
        refused(&arguments, words);
    };
    let prune = |run: &str, words: &[&str]| {
        on("prune", run, words);
        on("explain", run, words);
    };
    prune(&run, &["run", "finished run", "result.json"]);
    finished(&data, &run, &[]);
    fs::remove_file(Path::new(&run).join("result.json")).unwrap();
    prune(&run, &["finished run"]);

    let mlp = path(&folder, "mlp");
    finished(&data, &mlp, &["--model", "mlp"]);
    on("prune", &mlp, &["no layer to prune"]);
    // The weights of another model.
    let lenet = path(&folder, "lenet");
    finished(&data, &lenet, &[]);
    let weights = |run: &str| Path::new(run).join("final.safetensors");
    fs::copy(weights(&mlp), weights(&lenet)).unwrap();
    prune(
        &lenet,
        &["final.safetensors", "do not fit", "missing: ", "unused: "],
    );
    let spiking = path(&folder, "spiking");
    finished(&data, &spiking, &["--model", "snn-lenet", "--steps", "2"]);
    prune(&spiking, &["emits spikes"]);
}

#[test]
fn an_explanation_is_a_picture_for_each_image() {
    let data = Digits::new(320, 100);
    let folder = tempfile::tempdir().unwrap();
    let (run, out) = (path(&folder, "run"), path(&folder, "heat"));
    finished(&data, &run, &[]);
    let said = succeeds(&[
        "explain",
        "--checkpoint",
        &run,
        "--data-dir",
        data.path(),
        "--count",
        "3",
        "--out",
        &out,
    ]);
    assert!(said.contains("3 heat maps"), "{said}");
    for class in 0..3 {
        let picture = image::open(Path::new(&out).join(format!("{class:04}-class{class}.png")));
        let picture = picture.unwrap().into_rgb8();
        let (width, height) = picture.dimensions();
        assert!(width > 1_400 && height > 700, "{width}x{height}");
        let coloured = |from: u32, to: u32| {
            let pixels = (from..to).flat_map(|x| (0..height).map(move |y| (x, y)));
            let colours = pixels.map(|(x, y)| picture.get_pixel(x, y).0);
            let differ = |[r, _, b]: &[u8; 3]| r.abs_diff(*b) > 30;
            colours.filter(differ).count()
        };
        // Four of the nine columns show the digit, the others the heat map and its bar.
        let digit = 4 * width / 9;
        assert_eq!(coloured(0, digit), 0, "a digit is grey");
        assert!(coloured(digit, width) > 10_000, "its heat map is coloured");
    }
}

/// `reproduce FIGURE` with one seed.
fn figure(figure: &str, data: &Digits, out: &str) -> String {
    succeeds(&[
        "reproduce",
        figure,
        "--data-dir",
        data.path(),
        "--seeds",
        "1",
        "--out",
        out,
    ])
}

#[test]
fn only_images_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let (run, out) = (path(&folder, "run"), path(&folder, "heat"));
    let network = ["train", "--model", "mlp-toy", "--dataset", "blobs"];
    succeeds(&[&network[..], &["--epochs", "1", "--out", &run]].concat());
    let arguments = ["explain", "--checkpoint", &run, "--out", &out];
    refused(&arguments, &["explain draws images"]);
}

#[test]
fn the_figures_on_sparsity_share_their_runs_and_say_what_is_missing() {
    let data = Digits::new(320, 100);
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "results");
    let results = Path::new(&out);
    figure("fig6", &data, &out);
    let report = Report::read(&results.join("fig6"));
    let quantity = "test_accuracy_pruned_by_relevance";
    let points = report.points("lenet-mnist", "lfp", quantity, "pruning_rate");
    assert_eq!(points, 21);
    assert!(results.join("fig6/fig6.png").is_file());

    let run = results.join("sparsity/runs/lenet-mnist-lfp-lr0.05-seed7240.json");
    let before = fs::metadata(&run).unwrap().modified().unwrap();
    for name in ["fig5", "figa6"] {
        figure(name, &data, &out);
        let report = Report::read(&results.join(name));
        let layers = |quantity| report.points("lenet-mnist", "gradient", quantity, "layer");
        assert_eq!(layers("gini"), 5, "LeNet has five layers");
        assert_eq!(layers("relative_magnitude_percentile_75"), 5);
        assert_eq!(layers("magnitude_percentile_100"), 5);
    }
    assert_eq!(fs::metadata(&run).unwrap().modified().unwrap(), before);

    for profile in ["quick", "paper"] {
        let additional = [
            "reproduce",
            "figa8",
            "--profile",
            profile,
            "--data-dir",
            data.path(),
            "--out",
            &out,
        ];
        refused(&additional, &["nothing was run", "--data-dir"]);
    }
}

#[test]
fn percentiles_relative_to_the_largest_magnitude_end_at_1() {
    let data = Digits::new(320, 100);
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "results");
    figure("fig5", &data, &out);
    let report = Report::read(&Path::new(&out).join("fig5"));
    let values = |quantity: &str| -> Vec<f64> {
        let rows = report.rows.iter().filter(|row| row[2] == quantity);
        rows.map(|row| row[5].parse().unwrap()).collect()
    };
    // By both methods in five layers, from the smallest to the largest magnitude.
    let percentiles =
        [0, 25, 50, 75, 100].map(|level| values(&format!("relative_magnitude_percentile_{level}")));
    assert_eq!(percentiles[4], [1.0; 10]);
    for pair in percentiles.windows(2) {
        assert_eq!(pair[0].len(), 10);
        assert!(pair[0].iter().zip(&pair[1]).all(|(low, high)| low <= high));
    }
    // Without normalisation, each is multiplied by the largest.
    let largest = values("magnitude_percentile_100");
    let median = values("magnitude_percentile_50");
    for layer in 0..10 {
        let expected = percentiles[2][layer] * largest[layer];
        assert!((median[layer] - expected).abs() < 1e-12);
    }
}

#[test]
fn weights_that_are_no_numbers_are_named_before_anything_is_pruned_or_explained() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let (run, out) = (path(&folder, "run"), path(&folder, "out"));
    finished(&data, &run, &["--model", "mlp"]);
    let file = Path::new(&run).join("final.safetensors");
    let whole = fs::read(&file).unwrap();
    let places = ["--data-dir", data.path(), "--out", &out];
    for number in [f32::NAN, f32::INFINITY] {
        let mut damaged = whole.clone();
        let last = damaged.len() - 4;
        damaged[last..].copy_from_slice(&number.to_le_bytes());
        fs::write(&file, &damaged).unwrap();
        let holds = if number.is_nan() {
            "holds NaN"
        } else {
            "holds an infinite number"
        };
        for command in ["prune", "explain"] {
            let arguments = [&[command, "--checkpoint", &run][..], &places].concat();
            refused(&arguments, &["final.safetensors", holds]);
        }
        assert!(!Path::new(&out).exists());
    }
}
