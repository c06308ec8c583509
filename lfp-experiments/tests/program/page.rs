//! The page of a finished run.

use serde_json::Value;

use super::*;

struct Run {
    result: Value,
    evaluation: Value,
    page: String,
}

impl Run {
    fn read(folder: &str) -> Self {
        let text = |name| fs::read_to_string(Path::new(folder).join(name)).unwrap();
        let json = |name| serde_json::from_str(&text(name)).unwrap();
        Self {
            result: json("result.json"),
            evaluation: json("evaluation.json"),
            page: text("report.html"),
        }
    }

    fn mistakes(&self) -> &[Value] {
        self.evaluation["last"]["mistakes"].as_array().unwrap()
    }

    /// True class, predicted class, samples.
    fn confusion(&self) -> Vec<[u64; 3]> {
        serde_json::from_value(self.evaluation["last"]["confusion"].clone()).unwrap()
    }
}

fn train(arguments: &[&str], out: &str) -> Run {
    succeeds(&[&["train"], arguments, &["--out", out]].concat());
    Run::read(out)
}

#[test]
fn the_page_of_a_run_shows_its_predictions_on_the_test_set() {
    let data = Digits::new(320, 100);
    let folder = tempfile::tempdir().unwrap();
    let settings = ["--epochs", "1", "--batch", "32", "--lr", "0.02"];
    let arguments = [&settings[..], &["--data-dir", data.path()]].concat();
    let run = train(&arguments, &path(&folder, "run"));

    let confusion = run.confusion();
    let right: u64 = confusion
        .iter()
        .filter(|of| of[0] == of[1])
        .map(|of| of[2])
        .sum();
    assert_eq!(confusion.iter().map(|of| of[2]).sum::<u64>(), 100);
    assert_eq!(run.result["test_accuracy"][0], right as f64 / 100.0);
    assert!(right < 100, "an epoch leaves mistakes to show");

    let mistakes = run.mistakes();
    assert_eq!(mistakes.len() as u64, (100 - right).min(24));
    for (mistake, next) in mistakes.iter().zip(&mistakes[1..]) {
        let score = |of: &Value| of["score"].as_f64().unwrap();
        assert!(score(mistake) >= score(next), "{mistakes:?}");
        assert_ne!(mistake["label"], mistake["predicted"]);
        // The classes of the test set take turns.
        let index = mistake["index"].as_u64().unwrap();
        assert_eq!(mistake["label"], index % 10);
    }
    // Each is a picture in the page, with its place in the test set.
    assert_eq!(run.page.matches("<img ").count(), mistakes.len());
    for mistake in mistakes {
        assert!(run.page.contains(&format!("image {}<", mistake["index"])));
    }
    for outside in ["http:", "https:", "src=\"/", "@import"] {
        assert!(!run.page.contains(outside), "{outside}");
    }
    let layers = run.evaluation["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 5, "LeNet has five layers");
    assert!(!run.page.contains("Firing rates"));
}

#[test]
fn the_mistakes_of_points_are_their_coordinates() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "--model",
        "mlp-toy",
        "--dataset",
        "swirl",
        "--epochs",
        "1",
        "--lr",
        "1e-6",
    ];
    let run = train(&arguments, &path(&folder, "run"));
    assert!(!run.mistakes().is_empty() && !run.page.contains("<img "));
    let index = run.mistakes()[0]["index"].to_string();
    let point = run.evaluation["exhibits"][&index]["values"]
        .as_array()
        .unwrap();
    let [x, y] = [0, 1].map(|axis: usize| point[axis].as_f64().unwrap());
    assert!(run.page.contains(&format!("({x:.3}, {y:.3})")));
}

#[test]
fn the_page_of_a_spiking_network_shows_its_firing_rates() {
    let data = Digits::new(320, 100);
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        "--model", "snn-mlp", "--steps", "5", "--epochs", "2", "--batch", "32",
    ];
    let arguments = [&settings[..], &["--data-dir", data.path()]].concat();
    let run = train(&arguments, &path(&folder, "run"));
    for (layer, rate) in run.result["firing_rates"].as_object().unwrap() {
        let rate = format!("{:.2} %", 100.0 * rate.as_f64().unwrap());
        assert!(run.page.contains(layer) && run.page.contains(&rate));
    }
    for mistake in run.mistakes() {
        // Spikes in five steps.
        let spikes = 5.0 * mistake["score"].as_f64().unwrap();
        assert!((spikes - spikes.round()).abs() < 1e-9, "{mistake}");
    }
}

#[test]
fn a_page_that_cannot_be_written_does_not_lose_the_run() {
    let data = Digits::new(320, 100);
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "run");
    let arguments = train_arguments(&data, &out);
    succeeds(&arguments);
    let page = Path::new(&out).join("report.html");
    fs::remove_file(&page).unwrap();
    // No file can be renamed to a folder.
    fs::create_dir(&page).unwrap();
    let before = weights(&out);
    let resume = [&arguments[..], &["--resume"]].concat();
    let output = program(&resume);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("report.html") && said.contains("report --run"),
        "{said}"
    );
    assert!(weights(&out) == before);

    fs::remove_dir(&page).unwrap();
    succeeds(&resume);
    assert!(page.is_file(), "a resumed run writes its page");
}
