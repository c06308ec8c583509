//! `demo levenshtein` and `demo verdict`; what all demos share.

mod heaviside;

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

#[cfg(unix)]
use super::stalled::Stalled;
use super::{Digits, PROGRAM, path, refusal, refused, succeeds};

/// The last cell of each row of a CSV file whose first cell is `way`.
fn values(file: &Path, way: &str) -> Vec<f64> {
    let text = fs::read_to_string(file).unwrap();
    let first = format!("\"{way}\",");
    let rows = text.lines().filter(|row| row.starts_with(&first));
    let value = |row: &str| row.rsplit(',').next().unwrap().parse().unwrap();
    rows.map(value).collect()
}

#[test]
fn demo_levenshtein_learns_to_read_without_an_alignment_and_draws_it() {
    let data = Digits::new(400, 100);
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "levenshtein");
    let sizes = ["--longest", "1", "--samples", "960", "--epochs", "12"];
    let demo = |out: &str, more: &[&str]| {
        let places = ["--seeds", "1", "--data-dir", data.path(), "--out", out];
        succeeds(&[&["demo", "levenshtein"][..], &sizes, &places, more].concat())
    };
    let said = demo(&out, &[]);
    assert!(said.contains("LFP, edit distance"), "{said}");
    // A line for each epoch of each way.
    let lines = |words: &str| said.lines().filter(|line| line.contains(words)).count();
    assert_eq!(
        (lines("seed 0, epoch"), lines("epoch 12/12: ")),
        (48, 4),
        "{said}"
    );
    let out = Path::new(&out);
    assert!(out.join("levenshtein.png").is_file() && out.join("levenshtein.svg").is_file());
    let distances = values(&out.join("levenshtein.csv"), "LFP, edit distance");
    assert_eq!(distances.len(), 12);
    // Who reads nothing has a distance of 1, who reads the same digit always 0.9.
    let least = distances.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(distances[0] > 0.8 && least < 0.5, "{distances:?}");
    // The number of draws acts, and stands in the figure.
    let two = path(&folder, "two");
    demo(&two, &["--ways", "edit-distance", "--draws", "2"]);
    let two = Path::new(&two);
    let distances_of_two = values(&two.join("levenshtein.csv"), "LFP, edit distance");
    assert_ne!(distances_of_two, distances);
    let figure = |folder: &Path| fs::read_to_string(folder.join("levenshtein.svg")).unwrap();
    assert!(figure(out).contains("8 draws, ") && figure(two).contains("2 draws, "));
    // One length is no curve over lengths, and one run has no deviation.
    assert!(figure(out).contains("Edit distance per digit"));
    assert!(!figure(out).contains("by length"));
    assert!(!said.contains('\u{b1}'), "{said}");
}

#[test]
fn a_demo_runs_the_chosen_ways_alone() {
    let data = Digits::new(200, 100);
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "out");
    let places = ["--data-dir", data.path(), "--out", &out, "--seeds", "1"];
    let run = |options: &str, places: &[&str]| {
        let options: Vec<&str> = options.split(' ').collect();
        succeeds(&[&["demo"][..], &options, places].concat())
    };
    for (options, chosen, left_out, [file, left_out_there]) in [
        (
            "levenshtein --ways ctc --longest 1 --samples 64 --epochs 1",
            "CTC loss",
            "edit distance, seed",
            ["levenshtein.csv", "LFP, edit distance"],
        ),
        (
            "f1 --ways f1-reward --samples 100 --share 0.05 --epochs 1",
            "LFP, reward from F1, seed 0: macro F1",
            "cross-entropy",
            ["f1.json", "\"cross-entropy\""],
        ),
        (
            "quantized --ways gradient-rounded --bits 2 --samples 100 --test-samples 100 --epochs 1",
            "gradient, rounded afterwards, before rounding, seed 0:",
            "LFP",
            ["quantized.json", "\"lfp"],
        ),
        (
            "heaviside --ways homeostasis --samples 100 --epochs 1 --epsilons 0.1 --rates 0.1",
            "LFP, homeostasis, epsilon 0.1, rate 0.1, seed 0: ",
            "momentum",
            ["heaviside.json", "\"momentum\""],
        ),
        (
            "verdict --ways labels --verdicts 100",
            "LFP, labels, seed 0, after 100:",
            "LFP, verdicts",
            ["verdict.csv", "LFP, verdicts"],
        ),
    ] {
        let said = run(options, &places);
        assert!(said.contains(chosen) && !said.contains(left_out), "{said}");
        let text = fs::read_to_string(Path::new(&out).join(file)).unwrap();
        assert!(!text.contains(left_out_there), "{text}");
    }
    // A network that nobody is asked about leaves no round.
    assert!(!Path::new(&out).join("round-0.state").exists());
    let sizes = "cartpole --ways spiking-lfp,lfp --updates 1 --episodes 2 --hidden 4 --steps 2";
    let said = run(sizes, &["--out", &out, "--seeds", "1"]);
    assert!(
        said.contains("spiking, LFP, seed 0: ") && !said.contains("gradient"),
        "{said}"
    );
    let text = fs::read_to_string(Path::new(&out).join("cartpole.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let ways = json["ways"].as_array().unwrap().iter();
    let ways: Vec<&str> = ways.map(|way| way["way"].as_str().unwrap()).collect();
    assert_eq!(ways, ["lfp", "spiking-lfp"], "in the order of figures");
}

#[test]
fn options_of_ways_that_are_left_out_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "out");
    for (options, words) in [
        (
            "cartpole --ways lfp --steps 2",
            ["--steps", "the spiking networks"],
        ),
        (
            "levenshtein --ways ctc --draws 2",
            ["--draws", "the edit distance"],
        ),
    ] {
        let options: Vec<&str> = options.split(' ').collect();
        refused(
            &[&["demo"][..], &options, &["--out", &out]].concat(),
            &[words[0], "has no effect: --ways leaves out", words[1]],
        );
        assert!(!Path::new(&out).exists());
    }
}

#[test]
fn demo_levenshtein_names_images_that_are_no_digits() {
    let data = Digits::new(20, 10);
    for name in ["train", "t10k"] {
        let images = super::idx(&[20, 20, 20], &[0; 20 * 400]);
        data.write(&format!("{name}-images-idx3-ubyte"), &images);
        data.write(
            &format!("{name}-labels-idx1-ubyte"),
            &super::idx(&[20], &[1; 20]),
        );
    }
    let out = path(&data.folder, "out");
    let arguments = [
        "demo",
        "levenshtein",
        "--data-dir",
        data.path(),
        "--out",
        &out,
    ];
    refused(&arguments, &["28x28", "20, 20"]);
}

/// The arguments of a round in `out`.
fn round<'a>(data: &'a Digits, out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let places = ["demo", "verdict", "--data-dir", data.path(), "--out", out];
    [&places[..], more].concat()
}

/// What the round has heard, and how well the network did.
fn state(out: &str) -> serde_json::Value {
    let file = fs::read_to_string(Path::new(out).join("round-0.state")).unwrap();
    let (_, content) = file.split_once('\n').unwrap();
    let mut state: serde_json::Value = serde_json::from_str(content).unwrap();
    for record in ["network", "optimizer"] {
        assert!(state[record].take().is_string(), "{record}");
    }
    state
}

#[test]
fn demo_verdict_learns_from_a_simulated_person_and_goes_on_where_it_was_left() {
    let data = Digits::new(400, 100);
    let folder = tempfile::tempdir().unwrap();
    let [whole, left] = ["whole", "left"].map(|name| path(&folder, name));
    let oracle = ["--oracle", "--error-rate", "0.1", "--verdicts", "200"];
    let said = succeeds(&round(&data, &whole, &oracle));
    assert!(
        said.contains("LFP, verdicts") && said.contains("cross-entropy"),
        "{said}"
    );
    assert!(Path::new(&whole).join("verdict.png").is_file());
    let csv = Path::new(&whole).join("verdict.csv");
    let accuracies = values(&csv, "LFP, verdicts");
    assert_eq!(accuracies.len(), 2);
    assert!(accuracies[1] > 0.4, "chance is 0.1: {accuracies:?}");
    // Left in the midst of ten, then killed, then complete.
    let part = ["--oracle", "--error-rate", "0.1", "--verdicts", "55"];
    succeeds(&round(&data, &left, &part));
    let mut killed = Command::new(PROGRAM)
        .args(round(&data, &left, &oracle))
        .spawn()
        .unwrap();
    while state(&left)["learned"].as_u64().unwrap() < 8 {
        assert_eq!(killed.try_wait().unwrap(), None, "it ended too early");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    succeeds(&round(&data, &left, &oracle));
    assert_eq!(state(&left), state(&whole));
    assert_eq!(
        fs::read(Path::new(&left).join("verdict.csv")).unwrap(),
        fs::read(&csv).unwrap()
    );
}

#[test]
#[cfg(unix)]
fn ctrl_c_leaves_a_round_with_a_line_that_says_how_to_go_on() {
    let data = Digits::new(400, 100);
    let folder = tempfile::tempdir().unwrap();
    let [whole, left] = ["whole", "left"].map(|name| path(&folder, name));
    let oracle = ["--oracle", "--error-rate", "0.1", "--verdicts", "300"];
    succeeds(&round(&data, &whole, &oracle));
    let mut command = Command::new(PROGRAM);
    command.args(round(&data, &left, &oracle));
    // It stands still where it prints the first accuracy.
    let state_file = Path::new(&left).join("round-0.state");
    let mut stalled = Stalled::after(command, &state_file);
    stalled.interrupt();
    assert_eq!(stalled.line(), "interrupted; the same command goes on\n");
    stalled.release();
    assert_eq!(stalled.end(), (Some(130), String::new()));
    assert!(state(&left)["learned"].as_u64().unwrap() <= 10);
    succeeds(&round(&data, &left, &oracle));
    assert_eq!(state(&left), state(&whole));
    assert_eq!(
        fs::read(Path::new(&left).join("verdict.csv")).unwrap(),
        fs::read(Path::new(&whole).join("verdict.csv")).unwrap()
    );
}

/// Runs a round with these lines as the input.
fn said_by_a_person(arguments: &[&str], lines: &str, output: Stdio) -> Output {
    heard_bytes(arguments, lines.as_bytes(), output)
}

/// Runs a round with these bytes as the input.
fn heard_bytes(arguments: &[&str], input: &[u8], output: Stdio) -> Output {
    let mut command = Command::new(PROGRAM);
    let command = command.args(arguments).stdin(Stdio::piped());
    let mut process = command
        .stdout(output)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that ended does not read.
    let _ = process.stdin.take().unwrap().write_all(input);
    process.wait_with_output().unwrap()
}

#[test]
fn a_person_sees_digits_and_leaves_when_they_like() {
    let data = Digits::new(40, 20);
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "round");
    let arguments = round(&data, &out, &["--verdicts", "20"]);
    let heard = said_by_a_person(&arguments, "u\nd\nS\nq\n", Stdio::piped());
    assert!(heard.status.success());
    let text = String::from_utf8(heard.stdout).unwrap();
    assert_eq!(text.matches("u (right), d (wrong)").count(), 4, "{text}");
    assert!(text.contains("####") || text.contains("@@@@"), "{text}");
    assert!(
        text.contains("left after 2 verdicts, 1 of them for the guess"),
        "{text}"
    );
    // The end of the input leaves, too.
    let heard = said_by_a_person(&arguments, "up\n-\n", Stdio::piped());
    let text = String::from_utf8(heard.stdout).unwrap();
    assert!(
        text.contains("left after 4 verdicts, 2 of them for the guess"),
        "{text}"
    );
    let said: Vec<String> = state(&out)["answers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| answer["verdict"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(said, ["up", "down", "skip", "up", "down"]);
    // What cannot be read is named, and the line before counts.
    let unread = heard_bytes(&arguments, b"s\n\xff\xfe\nu\n", Stdio::piped());
    assert_eq!(unread.status.code(), Some(2));
    let text = String::from_utf8(unread.stderr).unwrap();
    assert!(
        text.contains("line 2") && text.contains("UTF-8") && text.lines().count() == 1,
        "{text}"
    );
    // What cannot be asked again is named.
    let heard = said_by_a_person(&arguments, "u\nperhaps\n", Stdio::piped());
    assert_eq!(heard.status.code(), Some(2));
    let text = String::from_utf8(heard.stderr).unwrap();
    assert!(
        text.contains("line 2") && text.contains("perhaps"),
        "{text}"
    );
    assert_eq!(
        state(&out)["answers"].as_array().unwrap().len(),
        7,
        "the first line counts"
    );
}

#[test]
fn a_skipped_image_is_no_verdict() {
    let data = Digits::new(40, 20);
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "round");
    // 18 answers, 12 of them verdicts, and 14 that nobody waits for.
    let answers = "s\nu\nd\n".repeat(6) + &"s\n".repeat(14);
    let arguments = round(&data, &out, &["--verdicts", "12"]);
    let heard = said_by_a_person(&arguments, &answers, Stdio::piped());
    assert!(heard.status.success());
    let text = String::from_utf8(heard.stdout).unwrap();
    // It ends with the twelfth verdict, and names the accuracy then.
    let columns = text.lines().find(|line| line.starts_with("test accuracy"));
    assert!(columns.unwrap().ends_with(" 12"), "{text}");
    let state = state(&out);
    assert_eq!(state["answers"].as_array().unwrap().len(), 18);
    assert_eq!(state["learned"], 1);
    let csv = Path::new(&out).join("verdict.csv");
    for way in ["LFP, verdicts", "LFP, labels", "cross-entropy, labels"] {
        assert_eq!(values(&csv, way).len(), 1, "{way}");
    }
    assert!(fs::read_to_string(&csv).unwrap().contains(",0,12,"));
    let fewer = round(&data, &out, &["--verdicts", "11"]);
    refused(&fewer, &["--verdicts 11", "has 12 already"]);

    let none = path(&folder, "none");
    let arguments = round(&data, &none, &["--verdicts", "12"]);
    let heard = said_by_a_person(&arguments, &"s\n".repeat(50), Stdio::piped());
    let text = String::from_utf8(heard.stderr).unwrap();
    assert!(
        text.contains("all 40 images were shown, 0 of them"),
        "{text}"
    );
}

#[test]
fn a_round_belongs_to_one_process_and_to_its_images() {
    let data = Digits::new(40, 20);
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "round");
    let arguments = round(&data, &out, &["--oracle", "--verdicts", "20"]);
    fs::create_dir(&out).unwrap();
    let lock = fs::File::create(Path::new(&out).join("rounds.lock")).unwrap();
    lock.try_lock().unwrap();
    refused(&arguments, &["another process", "round"]);
    drop(lock);
    succeeds(&arguments);
    // The same digits for training, others for testing.
    let other = Digits::new(40, 30);
    let arguments = round(&other, &out, &["--oracle", "--verdicts", "20"]);
    refused(&arguments, &["begun with other images of MNIST", "--out"]);
}

#[test]
#[cfg(unix)]
fn a_round_says_in_one_line_what_is_wrong() {
    let data = Digits::new(40, 20);
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "round");
    let oracle = round(&data, &out, &["--oracle", "--verdicts", "20"]);
    succeeds(&oracle);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let person = path(&folder, "person");
    let of_person = round(&data, &person, &["--verdicts", "20"]);
    let heard = said_by_a_person(&of_person, "u\n", writer.into());
    let text = refusal(&heard);
    assert!(text.contains("cannot write to standard output"), "{text}");

    let others = round(&data, &out, &["--oracle", "--error-rate", "0.2"]);
    refused(
        &[&others[..], &["--verdicts", "20"]].concat(),
        &["--error-rate 0, now", "--out"],
    );
    refused(
        &round(&data, &out, &["--verdicts", "20"]),
        &["now a person's verdicts"],
    );
    let file = Path::new(&out).join("round-0.state");
    let content = fs::read(&file).unwrap();
    let mut changed = content.clone();
    changed[200] ^= 1;
    for damaged in [&content[..content.len() / 2], &changed, b"", b"\n"] {
        fs::write(&file, damaged).unwrap();
        refused(
            &oracle,
            &["round-0.state", "torn or changed", "move it away"],
        );
        assert_eq!(fs::read(&file).unwrap(), damaged, "it is left as it was");
    }
}

#[test]
fn demos_refuse_options_out_of_range_or_without_effect() {
    for (arguments, words) in [
        ("levenshtein --longest 6", "from 1 to 5"),
        ("levenshtein --samples 0", "whole number"),
        ("levenshtein --epochs 0", "whole number"),
        ("levenshtein --seeds 0", "whole number"),
        ("levenshtein --ways lfp", "possible values"),
        ("levenshtein --ways ctc,ctc", "--ways names ctc twice"),
        ("cartpole --ways labels", "possible values"),
        ("verdict --ways labels --oracle", "--oracle has no effect"),
        ("verdict --verdicts 0", "whole number"),
        ("verdict --error-rate 0.1", "--oracle"),
        ("verdict --oracle --error-rate 1.1", "from 0 to 1"),
        (
            "verdict --seeds 2",
            "--seeds has no effect without --oracle",
        ),
    ] {
        let arguments: Vec<&str> = ["demo"].into_iter().chain(arguments.split(' ')).collect();
        refused(&arguments, &[words]);
    }
    let data = Digits::new(40, 20);
    let out = path(&data.folder, "out");
    let more = round(&data, &out, &["--oracle", "--verdicts", "50"]);
    refused(&more, &["--verdicts 50", "40 images"]);
}
