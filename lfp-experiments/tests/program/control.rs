//! `demo cartpole` and `demo acrobot`.

use std::{fs, path::Path};

use super::{path, refused, succeeds};

/// The runs of each way: its name, and the mean returns of each seed.
fn returns(folder: &str, name: &str) -> Vec<(String, Vec<Vec<f64>>)> {
    let text = fs::read_to_string(Path::new(folder).join(name)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let ways = json["ways"].as_array().unwrap().iter();
    let of_way = |way: &serde_json::Value| {
        let returns = serde_json::from_value(way["returns"].clone()).unwrap();
        (way["way"].as_str().unwrap().to_owned(), returns)
    };
    ways.map(of_way).collect()
}

#[test]
fn demo_cartpole_learns_to_balance_and_draws_it() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str| {
        let out = path(&folder, name);
        let options = ["--updates", "20", "--seeds", "1", "--steps", "5"];
        succeeds(&[&["demo", "cartpole", "--out", &out][..], &options].concat());
        returns(&out, "cartpole.json")
    };
    let ways = run("first");
    let names: Vec<&str> = ways.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["lfp", "gradient", "spiking-lfp", "spiking-surrogate"]
    );
    for (way, seeds) in &ways[..3] {
        let [returns] = seeds.as_slice() else {
            panic!("{way}: expected one seed, found {}", seeds.len());
        };
        assert_eq!(returns.len(), 20);
        // A policy that pushes at random balances for about 22 steps; the mean of 16 episodes stays below 40.
        assert!(returns[0] < 40.0, "{way} began with {}", returns[0]);
        let last = returns[15..].iter().sum::<f64>() / 5.0;
        assert!(last > 60.0, "{way}: {returns:?}");
    }
    let first = Path::new(&path(&folder, "first")).to_owned();
    assert!(first.join("cartpole.png").is_file() && first.join("cartpole.svg").is_file());
    assert_eq!(run("second"), ways, "the same seeds give the same returns");
}

#[test]
fn demo_acrobot_learns_to_swing_up() {
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "acrobot");
    let sizes = "--ways lfp --seeds 1 --updates 24 --episodes 8 --hidden 32";
    let sizes: Vec<&str> = sizes.split(' ').collect();
    succeeds(&[&["demo", "acrobot", "--out", &out][..], &sizes].concat());
    let ways = returns(&out, "acrobot.json");
    let [(_, seeds)] = ways.as_slice() else {
        panic!("expected one way, found {ways:?}");
    };
    let mean = |returns: &[f64]| returns.iter().sum::<f64>() / returns.len() as f64;
    let returns = seeds[0].as_slice();
    // An episode that misses the goal returns -500.
    let [first, last] = [&returns[..8], &returns[20..]].map(mean);
    assert!(first < -460.0 && last > -440.0, "{returns:?}");
}

#[test]
fn demo_acrobot_runs_with_few_episodes() {
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "acrobot");
    let options = [
        "--updates",
        "2",
        "--episodes",
        "2",
        "--seeds",
        "2",
        "--steps",
        "2",
        "--hidden",
        "8",
    ];
    let said = succeeds(&[&["demo", "acrobot", "--out", &out][..], &options].concat());
    let mut table = said
        .lines()
        .skip_while(|line| !line.starts_with("mean return of the last"));
    let heads = table.nth(1).unwrap_or_default().split_whitespace();
    let expected = ["way", "seed", "0", "seed", "1", "mean"];
    assert_eq!(heads.collect::<Vec<_>>(), expected, "{said}");
    for (_, seeds) in returns(&out, "acrobot.json") {
        assert_eq!(seeds.len(), 2);
        // An episode takes 500 steps at most, each worth -1.
        let worst_to_best = -500.0..=0.0;
        assert!(
            seeds
                .iter()
                .flatten()
                .all(|total| worst_to_best.contains(total)),
            "{seeds:?}"
        );
    }
}

#[test]
fn a_policy_that_diverges_is_named_with_its_learning_rate() {
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "out");
    let small = ["--episodes", "2", "--seeds", "1", "--steps", "2"];
    let arguments = [
        &["demo", "cartpole", "--lr", "1e38", "--out", &out][..],
        &small,
    ]
    .concat();
    refused(&arguments, &["diverged with --lr", "smaller"]);
}

#[test]
fn options_of_demo_cartpole_out_of_range_are_refused() {
    for (option, value, words) in [
        ("--episodes", "1", "from 2 to"),
        ("--updates", "0", "from 1 to"),
        ("--hidden", "0", "from 1 to"),
        ("--steps", "0", "from 1 to"),
        ("--seeds", "0", "from 1 to"),
        ("--lr", "0", "positive"),
        ("--discount", "1.01", "from 0 to 1"),
    ] {
        let output = super::program(&["demo", "cartpole", option, value]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{option} {value} said: {said}"
        );
        assert!(said.contains(option) && said.contains(words), "{said}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named_before_anything_is_trained() {
    let folder = tempfile::tempdir().unwrap();
    let file = path(&folder, "file");
    fs::write(&file, "").unwrap();
    refused(&["demo", "cartpole", "--out", &file], &["file"]);
}
