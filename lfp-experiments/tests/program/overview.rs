//! `reproduce list` and `reproduce all`.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use super::{Digits, PROGRAM, path, refused};

/// Runs `reproduce` with an empty cache, so that MNIST is not at hand by itself.
fn reproduce(arguments: &[&str]) -> Output {
    let cache = tempfile::tempdir().unwrap();
    let mut command = Command::new(PROGRAM);
    command.arg("reproduce").args(arguments);
    command
        .env("HOME", cache.path())
        .env("XDG_CACHE_HOME", cache.path())
        .env("RUST_LOG", "lfp_experiments=debug");
    let output = command.output().expect("the program starts");
    assert_eq!(
        fs::read_dir(cache.path()).unwrap().count(),
        0,
        "nothing is downloaded"
    );
    output
}

#[track_caller]
fn printed(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The last line of a figure.
#[track_caller]
fn line<'a>(said: &'a str, figure: &str) -> &'a str {
    let mut lines = said.lines().rev();
    let found = lines.find(|line| line.starts_with(&format!("{figure} ")));
    found.unwrap_or_else(|| panic!("no line of {figure} in: {said}"))
}

#[track_caller]
fn says(said: &str, figure: &str, words: &[&str]) {
    let line = line(said, figure);
    for word in words {
        assert!(line.contains(word), "expected \"{word}\" in: {line}");
    }
}

/// Number of runs that were trained.
fn trained(output: &Output) -> usize {
    let log = String::from_utf8_lossy(&output.stderr);
    log.matches("training ").count()
}

#[test]
fn the_list_says_what_is_missing_and_what_can_be_downloaded() {
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "results");
    let said = printed(&reproduce(&["list", "--out", &out, "--skip", "fig3,figa1"]));
    let order: Vec<&str> = said
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(
        order[..6],
        ["figure", "fig4", "table3", "fig5", "fig6", "fig7"],
        "the order of the paper"
    );
    says(&said, "fig4", &["Trajectories", "nothing"]);
    says(&said, "fig7", &["can be downloaded: mnist"]);
    says(&said, "table3", &["missing: cifar10"]);

    let paper = [
        "list",
        "--out",
        &out,
        "--profile",
        "paper",
        "--only",
        "fig5",
    ];
    let said = printed(&reproduce(&paper));
    says(&said, "fig5", &["0/6", "missing: cub, weights of resnet18"]);
    assert!(
        !Path::new(&out).join("fig5").exists(),
        "a list makes no folders"
    );

    let all = ["all", "--out", &out, "--only", "fig7,table3"];
    let said = printed(&reproduce(&all));
    says(&said, "fig7", &["not run", "can be downloaded: mnist"]);
    says(&said, "table3", &["not run", "missing: cifar10"]);
}

#[test]
fn all_makes_what_the_data_allow_and_trains_nothing_twice() {
    let data = Digits::new(320, 100);
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "results");
    let of = |command| {
        let grid = ["--only", "fig4,table3,fig5,figa6", "--seeds", "1"];
        let folders = ["--data-dir", data.path(), "--out", &out];
        reproduce(&[&[command], &grid[..], &folders].concat())
    };
    let said = printed(&of("list"));
    says(&said, "fig5", &["0/2", "at hand: mnist"]);
    assert!(
        said.contains("2 runs to train here"),
        "fig5 and figa6 share them: {said}"
    );
    assert!(Path::new(&out).join("timings.json").is_file());

    let first = of("all");
    let said = printed(&first);
    assert_eq!(trained(&first), 2, "one by each method");
    says(&said, "fig4", &["made", "0 runs trained"]);
    says(&said, "table3", &["not run", "missing: cifar10"]);
    let shared = [line(&said, "fig5"), line(&said, "figa6")];
    let count = |words: &str| shared.iter().filter(|line| line.contains(words)).count();
    assert_eq!((count("2 runs trained"), count("0 runs trained")), (1, 1));
    let begins = |figure: &str| said.find(&format!("{figure}: "));
    assert!(
        begins("fig4") < begins("fig5"),
        "the cheapest first: {said}"
    );

    let said = printed(&of("list"));
    says(&said, "fig5", &["2/2", "picture, report"]);
    assert!(said.contains("nothing to train here"), "{said}");
    let again = of("all");
    assert_eq!(trained(&again), 0);
    says(&printed(&again), "fig5", &["made", "0 runs trained"]);

    // Fewer runs do not replace the picture of more.
    let out = ["--data-dir", data.path(), "--out", &out];
    let two = ["all", "--only", "fig5,fig6", "--seeds", "2"];
    printed(&reproduce(&[&two[..], &out].concat()));
    let picture = Path::new(out[3]).join("fig5/fig5.png");
    let before = fs::read(&picture).unwrap();
    let one = ["all", "--only", "fig5", "--seeds", "1"];
    let words = [
        "kept",
        "fuller results (profile quick, 4 runs)",
        "(profile quick, 2 runs)",
    ];
    says(
        &printed(&reproduce(&[&one[..], &out].concat())),
        "fig5",
        &words,
    );
    let alone = ["reproduce", "fig5", "--seeds", "1"];
    refused(&[&alone[..], &out].concat(), &words[1..]);
    assert_eq!(fs::read(&picture).unwrap(), before);
    let overwritten = reproduce(&[&one[..], &out, &["--overwrite"]].concat());
    says(&printed(&overwritten), "fig5", &["made", "0 runs trained"]);
    assert_ne!(fs::read(&picture).unwrap(), before);
    let out = out[3].to_owned();

    // A figure that fails does not stop the others.
    let runs = Path::new(&out).join("sparsity/runs");
    fs::write(runs.join("lenet-mnist-lfp-lr0.05-seed7240.json"), "{").unwrap();
    fs::remove_file(Path::new(&out).join("fig4/fig4.png")).unwrap();
    says(
        &printed(&of("list")),
        "fig5",
        &["cannot run", "move it away"],
    );
    let failed = of("all");
    assert_eq!(failed.status.code(), Some(1));
    let error = String::from_utf8_lossy(&failed.stderr);
    assert!(error.contains("2 of 4 failed: fig5, figa6"), "{error}");
    let said = String::from_utf8_lossy(&failed.stdout).into_owned();
    says(&said, "figa6", &["failed", "move it away"]);
    says(&said, "fig4", &["made"]);
    assert!(Path::new(&out).join("fig4/fig4.png").is_file());
}

#[test]
fn an_overview_refuses_options_without_effect() {
    for command in ["list", "all"] {
        let refused = |more: &[&str], words: &[&str]| {
            refused(&[&["reproduce", command], more].concat(), words);
        };
        let weights = ["--pretrained", ".", "--only", "fig3,fig7"];
        refused(&weights, &["--pretrained has no effect"]);
        let data = ["--data-dir", ".", "--only", "fig3,fig4"];
        refused(&data, &["--data-dir has no effect"]);
        for grid in [&["--seeds", "5"][..], &["--profile", "paper"]] {
            let without = [&["--only", "fig4,figa4"], grid].concat();
            let words = format!("{} has no effect: no figure here", grid[0]);
            refused(&without, &[&words]);
        }
        refused(&["--only", "fig3", "--skip", "fig4"], &["--only", "--skip"]);
        refused(&["--only", "fig99"], &["fig99", "figa8"]);
    }
}
