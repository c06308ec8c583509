//! `reproduce table3`.

use std::{fs, path::Path};

use tempfile::TempDir;

use super::{Report, cifar::cifar_folder, path, refused, succeeds};

/// What the command said, and where it is.
struct Ran {
    root: TempDir,
    out: String,
    said: String,
}

impl Ran {
    /// The cells of LeNet with ReLU on CIFAR-10, one of the few networks of the profile `quick`.
    fn new() -> Self {
        let root = cifar_folder(40);
        let out = path(&root, "results");
        let mut ran = Self {
            root,
            out,
            said: String::new(),
        };
        ran.said = succeeds(&ran.arguments("relu", &[]));
        ran
    }

    fn folder(&self) -> &str {
        self.root.path().to_str().unwrap()
    }

    fn arguments<'a>(&'a self, activation: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let places = ["--data-dir", self.folder(), "--out", &self.out];
        let figure = ["reproduce", "table3", "--activations", activation];
        [&figure[..], &places, more].concat()
    }

    fn table(&self) -> std::path::PathBuf {
        Path::new(&self.out).join("table3")
    }
}

/// The line of a table that begins with these words.
#[track_caller]
fn row<'a>(said: &'a str, words: [&str; 3]) -> &'a str {
    let mut lines = said.lines();
    let line = lines.find(|line| line.split_whitespace().take(3).eq(words));
    line.unwrap_or_else(|| panic!("no {words:?} in {said}"))
}

#[test]
fn table_3_runs_what_is_there_and_says_what_is_not() {
    let ran = Ran::new();
    let relu = row(&ran.said, ["lenet", "cifar10", "relu"]);
    assert_eq!(relu.matches("(1)").count(), 2, "both methods: {relu}");
    let silu = row(&ran.said, ["lenet", "cifar10", "silu"]);
    assert!(silu.contains("not run"), "{silu}");
    // The paper's networks take too long for the profile `quick`; its values are there nevertheless.
    let relu = row(&ran.said, ["vgg-like", "cifar10", "relu"]);
    for text in [
        "not run: needs --profile paper",
        "82.2 \u{b1} 0.4",
        "84.1 \u{b1} 0.4",
    ] {
        assert!(relu.contains(text), "{relu}");
    }
    row(&ran.said, ["resnet18", "isic", "heaviside"]);
    let runs = fs::read_dir(ran.table().join("runs")).unwrap().count();
    assert_eq!(runs, 2);
}

#[test]
fn the_files_of_table_3_have_every_cell_of_the_paper() {
    let ran = Ran::new();
    let report = Report::read(&ran.table());
    let results = report.json["results"].as_array().unwrap();
    assert_eq!(
        results.len(),
        12 + 96,
        "8 rows of 6 activations by 2 methods"
    );
    let relu = report.of("cifar10-lenet-relu", "lfp");
    assert_eq!(
        (&relu["runs"], &relu["measure"]),
        (&1.into(), &"top 1".into())
    );
    let heaviside = report.of("cifar10-vgg-like-heaviside", "lfp");
    assert_eq!(heaviside["not_run"], "not selected");
    assert_eq!(heaviside["paper"]["mean"], 0.1);
    let cifar100 = report.of("cifar100-vgg-like-relu", "gradient");
    assert_eq!(cifar100["not_run"], "profile paper");
    let not_run = report.rows.iter().filter(|row| !row[8].is_empty());
    assert_eq!(not_run.count(), 10 + 96);
    let isic = report.of("isic-resnet18-relu", "lfp");
    assert_eq!(isic["measure"], "top 1", "plain accuracy everywhere");
    let markdown = fs::read_to_string(ran.table().join("table3.md")).unwrap();
    assert!(markdown.contains("\n| network |"), "{markdown}");
    let cells = fs::read_to_string(ran.table().join("table3.csv")).unwrap();
    let cells = cells.lines().map(|line| line.split(',').collect());
    let cells: Vec<Vec<&str>> = cells.collect();
    assert_eq!(cells.len(), 1 + 12 + 96);
    for cell in &cells[13..] {
        let number = |column: usize| cell[column].parse::<f64>();
        number(7).expect("the paper has a value");
        assert!(cell[9].is_empty() && !cell[10].is_empty(), "{cell:?}");
    }
}

#[test]
fn table_3_runs_nothing_twice_and_keeps_what_another_selection_ran() {
    let ran = Ran::new();
    let record = "runs/cifar10-lenet-relu-lfp-lr0.05-seed7240.json";
    let record = ran.table().join(record);
    let before = fs::metadata(&record).unwrap().modified().unwrap();
    assert_eq!(succeeds(&ran.arguments("relu", &[])), ran.said);
    assert_eq!(fs::metadata(&record).unwrap().modified().unwrap(), before);
    let said = succeeds(&ran.arguments("silu", &[]));
    for activation in ["relu", "silu"] {
        let line = row(&said, ["lenet", "cifar10", activation]);
        assert_eq!(line.matches("(1)").count(), 2, "both methods: {line}");
    }
}

#[test]
fn table_3_replaces_fuller_results_on_request_only() {
    let ran = Ran::new();
    let file = ran.table().join("result.json");
    // As if a larger profile had made it.
    let mut fuller = Report::read(&ran.table()).json;
    fuller["profile"] = "paper".into();
    let fuller = fuller.to_string();
    fs::write(&file, &fuller).unwrap();
    let words = [
        "fuller results (profile paper, 2 runs)",
        "profile quick, 2 runs",
        "--overwrite",
    ];
    refused(&ran.arguments("relu", &[]), &words);
    assert_eq!(fs::read_to_string(&file).unwrap(), fuller);
    succeeds(&ran.arguments("relu", &["--overwrite"]));
    assert_eq!(Report::read(&ran.table()).json["profile"], "quick");
}

#[test]
fn table_3_replaces_nothing_by_a_table_without_runs() {
    let ran = Ran::new();
    let file = ran.table().join("result.json");
    let before = fs::read_to_string(&file).unwrap();
    let paper = "--profile paper --models vgg-like --datasets cifar100";
    let paper: Vec<&str> = paper.split(' ').collect();
    let words = ["profile paper, 0 runs", "name their folder"];
    refused(&ran.arguments("relu", &paper), &words);
    let overwriting = [&paper[..], &["--overwrite"]].concat();
    refused(
        &ran.arguments("relu", &overwriting),
        &["nothing was run; missing: cifar100 (--data-dir)"],
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
}

#[test]
fn table_3_refuses_what_it_does_not_have() {
    let root = cifar_folder(40);
    let out = path(&root, "results");
    let table = ["reproduce", "table3", "--out", &out];
    let refused_with = |more: &[&str], words: &[&str]| {
        refused(&[&table[..], more].concat(), words);
    };
    refused_with(&["--models", "lenet,mlp"], &["--models: table3 has no mlp"]);
    refused_with(
        &["--datasets", "cifar10,blobs"],
        &["--datasets: table3 has no blobs"],
    );
    refused_with(
        &["--activations", "relu,leaky_relu:0.2"],
        &["--activations: table3 has no leaky_relu:0.2"],
    );
    refused_with(
        &["--models", "lenet", "--datasets", "cub"],
        &["table3 has nothing in profile quick", "select together"],
    );
    refused_with(&["--models", "vgg16"], &["with --profile paper alone"]);
    refused_with(
        &["--models", "lenet", "--profile", "paper"],
        &["table3 has nothing in profile paper"],
    );
    let folder = root.path().to_str().unwrap();
    let paper = ["--models", "vgg-like", "--profile", "paper"];
    let pretrained = ["--data-dir", folder, "--pretrained", folder];
    refused_with(
        &[&paper[..], &pretrained].concat(),
        &["--pretrained has no effect"],
    );
    refused(
        &["reproduce", "fig3", "--models", "vgg-like"],
        &["--models", "unexpected argument"],
    );
}
