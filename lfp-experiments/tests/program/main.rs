//! The program as its users run it: real processes, real files.

use std::{
    ffi::OsStr,
    fmt::Debug,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

mod batches;
mod cifar;
mod control;
mod crash;
mod hostile_data;
mod hugging_face;
mod image_folders;
mod layouts;
#[cfg(target_os = "linux")]
mod lease;
mod objectives;
mod overview;
mod page;
#[cfg(unix)]
mod paths;
mod photographs;
mod pickles;
mod pretrained;
mod pruning;
mod quantized;
#[cfg(feature = "remote-server")]
mod remote;
mod report;
mod resuming;
#[cfg(unix)]
mod stalled;
mod streams;
mod table3;
#[cfg(target_os = "linux")]
mod threads;
mod transformers;

use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_lfp-experiments");
/// The folder with the real MNIST files, for the tests that need them.
const REAL_DATA: &str = "LFP_DATA_DIR";

fn program<A: AsRef<OsStr>>(arguments: &[A]) -> Output {
    let output = Command::new(PROGRAM).args(arguments).output();
    output.expect("the program starts")
}

/// The line of a program that refused with exit code 2.
#[track_caller]
fn refusal(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    said
}

/// Runs the program, which must refuse with exit code 2 and one line that contains all of `words`.
#[track_caller]
fn refused<A: AsRef<OsStr> + Debug>(arguments: &[A], words: &[&str]) {
    let said = refusal(&program(arguments));
    for word in words {
        assert!(said.contains(word), "expected \"{word}\" in: {said}");
    }
}

#[track_caller]
fn succeeds<A: AsRef<OsStr> + Debug>(arguments: &[A]) -> String {
    let output = program(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?} said: {said}");
    String::from_utf8(output.stdout).expect("text")
}

/// An IDX file.
fn idx(sizes: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut content = vec![0, 0, 8, sizes.len() as u8];
    for size in sizes {
        content.extend(size.to_be_bytes());
    }
    content.extend(bytes);
    content
}

/// Ten kinds of images that are easy to tell apart, in MNIST's format: bright bands at different
/// heights, with noise.
struct Digits {
    folder: TempDir,
}

impl Digits {
    fn new(train: u32, test: u32) -> Self {
        let digits = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for (name, count) in [("train", train), ("t10k", test)] {
            let labels: Vec<u8> = (0..count).map(|index| (index % 10) as u8).collect();
            let mut noise = 1u32;
            let mut pixels = Vec::new();
            for &label in &labels {
                for pixel in 0..28 * 28u32 {
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let in_band = pixel / 28 / 2 == u32::from(label) + 2;
                    let bright = if in_band { 180 } else { 0 };
                    pixels.push(bright + (noise >> 26) as u8);
                }
            }
            digits.write(
                &format!("{name}-images-idx3-ubyte"),
                &idx(&[count, 28, 28], &pixels),
            );
            digits.write(
                &format!("{name}-labels-idx1-ubyte"),
                &idx(&[count], &labels),
            );
        }
        digits
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.file(name), content).unwrap();
    }

    fn path(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }
}

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

fn train_arguments<'a>(data: &'a Digits, out: &'a str) -> Vec<&'a str> {
    let of_run = ["--data-dir", data.path(), "--out", out];
    let settings = ["train", "--epochs", "4", "--batch", "32", "--lr", "0.02"];
    [&settings[..], &of_run[..]].concat()
}

fn weights(run: &str) -> Vec<u8> {
    fs::read(Path::new(run).join("final.safetensors")).expect("the run has ended")
}

#[test]
fn a_run_learns_and_leaves_its_results() {
    let data = Digits::new(320, 100);
    let folder = tempfile::tempdir().unwrap();
    let runs = [
        ("lfp", path(&folder, "lfp")),
        ("gradient", path(&folder, "gradient")),
    ];
    for (method, out) in &runs {
        let mut arguments = train_arguments(&data, out);
        arguments.extend(["--method", method, "--model", "mlp", "--epochs", "6"]);
        arguments.drain(1..3);
        let said = succeeds(&arguments);
        assert_eq!(
            said.lines()
                .filter(|line| line.starts_with("epoch "))
                .count(),
            6,
            "{said}"
        );
        let result = fs::read_to_string(Path::new(out).join("result.json")).unwrap();
        let result: serde_json::Value = serde_json::from_str(&result).unwrap();
        let accuracy = result["test_accuracy"].as_array().unwrap();
        assert_eq!(accuracy.len(), 6);
        assert!(
            accuracy[5].as_f64().unwrap() > 0.9,
            "{method}: {accuracy:?}"
        );
        assert_eq!(result["settings"]["method"], *method);
        assert_eq!(result["settings"]["seed"], 7240);
        let metrics = fs::read_to_string(Path::new(out).join("metrics.csv")).unwrap();
        assert_eq!(metrics.lines().count(), 7);
        let bytes = weights(out);
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(
            file.tensor("classifier.0.weight").unwrap().shape(),
            [512, 784]
        );
    }
}

#[test]
fn a_killed_run_goes_on_to_the_same_weights_bit_for_bit() {
    let data = Digits::new(640, 100);
    let folder = tempfile::tempdir().unwrap();
    let whole = path(&folder, "whole");
    succeeds(&train_arguments(&data, &whole));

    let killed = path(&folder, "killed");
    let mut arguments = train_arguments(&data, &killed);
    // Killed three times when an epoch has ended.
    for _ in 0..3 {
        let mut process = Command::new(PROGRAM)
            .args(&arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap()).lines();
        let ended = said
            .map_while(Result::ok)
            .filter(|line| line.starts_with("epoch "));
        ended.take(1).for_each(drop);
        // `kill` is SIGKILL on Unix: nothing in the process gets to tidy up.
        process.kill().unwrap();
        process.wait().unwrap();
        // The folder knows the rest.
        arguments = vec!["train", "--resume", "--out", &killed];
    }
    succeeds(&arguments);
    assert!(weights(&whole) == weights(&killed), "the weights differ");

    // And once more on the finished run, which is left as it is.
    let before = fs::metadata(Path::new(&killed).join("result.json")).unwrap();
    succeeds(&arguments);
    let after = fs::metadata(Path::new(&killed).join("result.json")).unwrap();
    assert_eq!(before.modified().unwrap(), after.modified().unwrap());
}

#[test]
fn a_half_written_checkpoint_is_never_picked_up() {
    let data = Digits::new(320, 100);
    let folder = tempfile::tempdir().unwrap();
    let run = path(&folder, "run");
    let arguments = train_arguments(&data, &run);
    succeeds(&arguments);
    let expected = weights(&run);

    // As if the process had died while it wrote its last checkpoint and files.
    let run_folder = Path::new(&run);
    let last = run_folder.join("checkpoint-0004");
    fs::rename(&last, run_folder.join("checkpoint-0004.tmp")).unwrap();
    fs::remove_file(run_folder.join("checkpoint-0004.tmp/SHA256SUMS")).unwrap();
    fs::remove_file(run_folder.join("result.json")).unwrap();
    fs::remove_file(run_folder.join("final.safetensors")).unwrap();
    let metrics = fs::read_to_string(run_folder.join("metrics.csv")).unwrap();
    let rows: Vec<&str> = metrics.lines().collect();
    fs::write(run_folder.join("metrics.csv"), rows[..4].join("\n") + "\n").unwrap();
    fs::write(run_folder.join("metrics.csv.tmp"), "epoch,").unwrap();

    let mut arguments = arguments;
    arguments.push("--resume");
    let said = succeeds(&arguments);
    assert!(said.contains("resumed after epoch 3"), "{said}");
    assert!(weights(&run) == expected);
    assert!(!run_folder.join("checkpoint-0004.tmp").exists());
    assert!(!run_folder.join("metrics.csv.tmp").exists());
}

#[test]
fn a_run_folder_with_anything_wrong_in_it_is_reported_and_left_alone() {
    let data = Digits::new(320, 100);
    let folder = tempfile::tempdir().unwrap();
    let run = path(&folder, "run");
    let arguments = train_arguments(&data, &run);
    succeeds(&arguments);
    let resume = [&arguments[..], &["--resume"]].concat();
    let file = |name: &str| Path::new(&run).join(name);
    let changed = |name: &str, content: &[u8], words: &[&str]| {
        let before = fs::read(file(name)).ok();
        fs::write(file(name), content).unwrap();
        refused(&resume, words);
        assert_eq!(fs::read(file(name)).unwrap(), content, "{name} was touched");
        match before {
            Some(before) => fs::write(file(name), before).unwrap(),
            None => fs::remove_file(file(name)).unwrap(),
        }
    };

    refused(&arguments, &["not empty", "--resume"]);
    changed(
        "holiday.jpg",
        b"sun",
        &["holiday.jpg", "not a file of a training run"],
    );
    changed("settings.json", b"{\"model\": \"len", &["settings.json"]);
    changed("result.json", b"{}", &["result.json"]);
    changed("final.safetensors", b"", &["final.safetensors"]);
    for name in [
        "model.bpk",
        "optimizer.bpk",
        "schedule.bpk",
        "epochs.json",
        "state.json",
        "SHA256SUMS",
    ] {
        let name = format!("checkpoint-0004/{name}");
        let content = fs::read(file(&name)).unwrap();
        changed(
            &name,
            &content[..content.len() / 2],
            &["checkpoint-0004", "torn"],
        );
    }
    let other = [&resume[..], &["--momentum", "0.5"]].concat();
    refused(&other, &["--momentum 0.9", "--momentum 0.5"]);

    let stranger = path(&folder, "stranger");
    fs::create_dir(&stranger).unwrap();
    fs::write(Path::new(&stranger).join("metrics.csv"), "epoch").unwrap();
    let arguments = train_arguments(&data, &stranger);
    refused(
        &[&arguments[..], &["--resume"]].concat(),
        &["settings.json", "missing"],
    );
}

#[test]
fn bad_arguments_are_refused_in_one_line() {
    for (arguments, words) in [
        (["--model", "transformer"], ["transformer", "lenet"]),
        (["--lr", "nan"], ["--lr", "positive"]),
        (["--lr", "-1"], ["--lr", ""]),
        (["--epochs", "0"], ["--epochs", "from 1"]),
        (["--batch", "0"], ["--batch", "from 1"]),
        (["--momentum", "1"], ["--momentum", "below 1"]),
        (["--clip", "inf"], ["--clip", "positive"]),
        (["--activation", "quadratic"], ["quadratic", "leaky_relu"]),
        (["--device", "abacus"], ["abacus", "flex"]),
        (["--device", "cuda:x"], ["cuda:x", "cuda:N"]),
        (["--dataset", "imagenet"], ["imagenet", "mnist"]),
        (["--steps", "0"], ["--steps", "from 1"]),
        (["--threshold", "0"], ["--threshold", "positive"]),
        (["--beta", "1.5"], ["--beta", "from 0 to 1"]),
        (["--steps", "5"], ["--steps", "snn-mlp"]),
    ] {
        refused(&[&["train"], &arguments[..]].concat(), &words);
    }
    refused(&["reproduce", "fig99"], &["fig99", "fig3"]);
    refused(&["sing"], &["sing"]);
}

#[test]
#[cfg(not(feature = "cuda"))]
fn a_device_that_was_not_compiled_in_names_its_feature() {
    refused(&["train", "--device", "cuda:1"], &["--features cuda"]);
}

#[test]
fn malformed_mnist_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "run");
    let check = |change: &dyn Fn(&Digits), words: &[&str]| {
        let data = Digits::new(20, 10);
        change(&data);
        refused(&train_arguments(&data, &out), words);
        assert!(!Path::new(&out).exists(), "no run folder is created");
    };
    let images = "train-images-idx3-ubyte";
    let labels = "train-labels-idx1-ubyte";
    let cut = |data: &Digits, name: &str, length: usize| {
        let content = fs::read(data.file(name)).unwrap();
        data.write(name, &content[..length]);
    };
    check(
        &|data| fs::remove_file(data.file(labels)).unwrap(),
        &[labels, "--data-dir"],
    );
    check(
        &|data| cut(data, images, 5000),
        &[images, "expected 15696 bytes", "5000"],
    );
    check(
        &|data| cut(data, images, 10),
        &[images, "expected 16 bytes"],
    );
    check(&|data| cut(data, images, 0), &[images, "expected 16 bytes"]);
    check(
        &|data| data.write(images, b"<!DOCTYPE html>"),
        &[images, "magic number 0x00000803"],
    );
    check(
        &|data| data.write(labels, &idx(&[20], &[12; 20])),
        &[labels, "0 to 9", "12"],
    );
    check(
        &|data| data.write(labels, &idx(&[19], &[1; 19])),
        &[labels, "20", "19"],
    );
    check(
        &|data| data.write(images, &[0x1f, 0x8b, 8, 0, 1]),
        &[images, "gzip"],
    );
    refused(
        &["train", "--data-dir", "/nowhere", "--out", &out],
        &["/nowhere", "train-images-idx3-ubyte"],
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_folder_that_cannot_be_written_is_named() {
    let data = Digits::new(20, 10);
    // Not even the superuser may create files there.
    refused(
        &train_arguments(&data, "/proc/run"),
        &["/proc/run", "cannot create"],
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_named() {
    let data = Digits::new(20, 10);
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "run");
    // A limit on the size of files, which meets the best weights first, stands in for a full disk.
    let line = format!(
        "trap '' XFSZ; ulimit -f 100; exec {PROGRAM} {}",
        train_arguments(&data, &out).join(" ")
    );
    let output = Command::new("bash").args(["-c", &line]).output().unwrap();
    let said = refusal(&output);
    assert!(
        said.contains("cannot write") && said.contains("best.safetensors"),
        "{said}"
    );
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
}

#[test]
fn conformance_tells_agreement_mismatch_and_malformed_files_apart() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases");
    let said = succeeds(&["conformance", cases.to_str().unwrap(), "--device", "flex"]);
    assert!(said.lines().count() > 200 && said.contains("spiking_conv_beta0.9"));

    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("case.safetensors");
    let mut bytes = fs::read(cases.join("mlp_relu.safetensors")).unwrap();
    // The last bytes are some tensor's; a large number there agrees with nothing.
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&1e6f32.to_le_bytes());
    fs::write(&case, &bytes).unwrap();
    let output = program(&["conformance", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("FAILED"));

    fs::write(&case, &bytes[..100]).unwrap();
    refused(
        &["conformance", case.to_str().unwrap()],
        &["case.safetensors"],
    );
    refused(&["conformance", "/nowhere"], &["/nowhere"]);
    let empty = tempfile::tempdir().unwrap();
    refused(
        &["conformance", empty.path().to_str().unwrap()],
        &["no .safetensors file"],
    );
}

#[test]
fn bench_scaling_measures_every_value_and_draws_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("scaling");
    for (over, values) in [("threads", "1,2"), ("batch", "2,6")] {
        let output = program(&[
            "bench",
            "scaling",
            "--model",
            "mlp",
            "--over",
            over,
            "--values",
            values,
            "--method",
            "lfp",
            "--steps",
            "1",
            "--rounds",
            "1",
            "--out",
            out.to_str().unwrap(),
        ]);
        assert!(output.status.success(), "{output:?}");
        let text = std::fs::read_to_string(out.join("scaling.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let found: Vec<String> = json
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["value"].to_string())
            .collect();
        assert_eq!(found.join(","), values);
        for one in json.as_array().unwrap() {
            let [batch, ms, speed] =
                ["batch", "step_ms", "samples_per_second"].map(|key| one[key].as_f64().unwrap());
            assert!((speed - batch / ms * 1e3).abs() < 1e-6 * speed);
            if over == "batch" {
                assert_eq!(Some(batch), one["value"].as_f64());
            }
        }
        assert!(out.join("scaling.png").is_file() && out.join("scaling.svg").is_file());
    }
}

#[test]
fn demo_f1_learns_a_rare_digit_and_draws_it() {
    let data = Digits::new(1000, 300);
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "f1");
    succeeds(&[
        "demo",
        "f1",
        "--samples",
        "900",
        "--share",
        "0.05",
        "--epochs",
        "12",
        "--seeds",
        "1",
        "--data-dir",
        data.path(),
        "--out",
        &out,
    ]);
    let out = Path::new(&out);
    assert!(out.join("f1.png").is_file() && out.join("f1.svg").is_file());
    let text = fs::read_to_string(out.join("f1.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let ways = json.as_array().unwrap();
    assert_eq!(ways.len(), 4);
    let of_f1 = ways.iter().find(|one| one["way"] == "f1-reward");
    let scores = of_f1.unwrap()["seeds"][0].as_array().unwrap();
    assert_eq!(scores.len(), 12);
    // A network that always decides for the rest has a macro F1 of 0.487.
    let last = scores[11]["macro_f1"].as_f64().unwrap();
    assert!(last > 0.6, "macro F1 {last}");
}

#[test]
fn demo_f1_names_a_share_that_the_data_do_not_have() {
    let data = Digits::new(200, 100);
    let out = path(&data.folder, "f1");
    let of = |share: &'static str| {
        [
            "demo",
            "f1",
            "--share",
            share,
            "--data-dir",
            data.path(),
            "--out",
            &out,
        ]
        .map(str::to_owned)
    };
    for (share, words) in [("0.001", "images of the digit 8"), ("0.5", "at most 0.1")] {
        let arguments = of(share);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = program(&arguments);
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn bench_beside_torch_says_what_is_missing() {
    let beside = |options: &[&str]| {
        let command = ["bench", "step", "--vs", "torch"];
        program(&[&command, options].concat())
    };
    let nowhere = beside(&["--model", "mlp", "--python", "/nowhere/python"]);
    assert_eq!(nowhere.status.code(), Some(2));
    let text = String::from_utf8_lossy(&nowhere.stderr);
    assert!(
        text.contains("/nowhere/python") && text.contains("--python"),
        "{text}"
    );
    let unknown = beside(&["--model", "vgg16"]);
    let text = String::from_utf8_lossy(&unknown.stderr);
    assert!(
        text.contains("vgg16") && text.contains("resnet18"),
        "{text}"
    );
    let batch = beside(&["--model", "mlp", "--batch", "4"]);
    assert_eq!(
        batch.status.code(),
        Some(2),
        "PyTorch's batches are its own"
    );
}

#[test]
fn bench_prints_json_and_nothing_else() {
    let said = succeeds(&[
        "bench", "step", "--model", "lenet", "--batch", "4", "--steps", "2", "--json",
    ]);
    let costs: Vec<serde_json::Value> = serde_json::from_str(&said).unwrap();
    assert_eq!(costs.len(), 2);
    for (cost, method) in costs.iter().zip(["lfp", "gradient"]) {
        assert_eq!(cost["model"], "lenet");
        assert_eq!(cost["method"], method);
        assert_eq!(cost["batch"], 4);
        for key in [
            "step_ms",
            "forward_ms",
            "backward_ms",
            "update_ms",
            "peak_mib",
        ] {
            assert!(cost[key].as_f64().unwrap() > 0.0, "{key}");
        }
    }
}

/// The report of a figure: `result.json`, and the rows of `results.csv`.
struct Report {
    json: serde_json::Value,
    rows: Vec<Vec<String>>,
}

impl Report {
    fn read(folder: &Path) -> Self {
        let json = fs::read_to_string(folder.join("result.json")).unwrap();
        let csv = fs::read_to_string(folder.join("results.csv")).unwrap();
        let mut lines = csv.lines();
        let columns = "condition,method,quantity,over,x,mean,standard_deviation,runs,not_run";
        assert_eq!(lines.next(), Some(columns));
        let row = |line: &str| line.split(',').map(str::to_owned).collect();
        Self {
            json: serde_json::from_str(&json).unwrap(),
            rows: lines.map(row).collect(),
        }
    }

    /// The results of a method in a condition.
    fn of(&self, condition: &str, method: &str) -> &serde_json::Value {
        let mut results = self.json["results"].as_array().unwrap().iter();
        let is_it = |result: &&serde_json::Value| {
            result["condition"] == condition && result["method"] == method
        };
        results
            .find(is_it)
            .unwrap_or_else(|| panic!("no {condition}, {method} in {}", self.json))
    }

    /// The number of points of a curve.
    fn points(&self, condition: &str, method: &str, quantity: &str, over: &str) -> usize {
        let expected = [condition, method, quantity, over];
        let is_it = |row: &&Vec<String>| row[..4] == expected;
        self.rows.iter().filter(is_it).count()
    }
}

#[test]
fn figure_3_is_drawn_and_lfp_keeps_up_with_the_gradient() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    succeeds(&["reproduce", "fig3", "--out", out, "--device", "flex"]);
    let file = |name: &str| folder.path().join("fig3").join(name);
    assert!(fs::read(file("fig3.png")).unwrap().starts_with(b"\x89PNG"));
    assert!(
        fs::read_to_string(file("fig3.svg"))
            .unwrap()
            .contains("</svg>")
    );
    let report = Report::read(&folder.path().join("fig3"));
    assert_eq!(report.json["figure"], "fig3");
    assert_eq!(report.json["profile"], "quick");
    assert_eq!(report.json["command"][0], "reproduce");
    for data in ["blobs", "circles", "swirl"] {
        for (method, quantity, over) in [
            ("lfp", "test_accuracy", "learning_rate"),
            ("gradient", "test_accuracy", "epoch"),
            ("lfp", "share_neutral", "theta"),
            ("lfp", "initial_share_neutral", "theta"),
            ("lfp", "train_accuracy", "iteration"),
            ("gradient", "train_accuracy", "iteration"),
        ] {
            let points = report.points(data, method, quantity, over);
            assert!(points >= 10, "{data}, {method}: {quantity} over {over}");
        }
        let of = |method: &str, key: &str| report.of(data, method)[key].as_f64().unwrap();
        let accuracies = (of("lfp", "mean"), of("gradient", "mean"));
        assert!(accuracies.0 > accuracies.1 - 0.03, "{data}: {accuracies:?}");
        let neutral = |method: &str| {
            let share = &report.of(data, method)["values"]["neutral_share"];
            share["mean"].as_f64().unwrap()
        };
        let neutral = (neutral("lfp"), neutral("gradient"));
        assert!(neutral.0 > neutral.1, "{data}: {neutral:?}");
        // The paper's claim holds against the initial network, too (0.49, as of uniformly drawn weights).
        let initial = &report.of(data, "lfp")["values"]["initial_neutral_share"]["mean"];
        let initial = initial.as_f64().unwrap();
        assert!((initial - 0.49).abs() < 0.03, "{data}: {initial}");
        assert!(neutral.0 > initial + 0.3, "{data}: {neutral:?}, {initial}");
    }
    assert_eq!(report.of("blobs", "lfp")["mean"], 1.0);
    assert_eq!(report.of("blobs", "lfp")["runs"], 3);
}

#[test]
fn the_figures_on_toy_data_train_no_run_twice() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let reproduce = |figure: &str| {
        let mut command = Command::new(PROGRAM);
        command.args(["reproduce", figure, "--seeds", "1", "--out", out]);
        command.env("RUST_LOG", "lfp_experiments=debug");
        let output = command.output().unwrap();
        assert!(output.status.success());
        started(&output)
    };
    let first = reproduce("fig3");
    assert_eq!(first.len(), 132, "three data sets, two methods, 22 rates");
    let png = folder.path().join("fig3/fig3.png");
    let report = folder.path().join("fig3/result.json");
    // All but the date of writing.
    let drawn = || {
        let report = fs::read(&report).unwrap();
        let mut report: serde_json::Value = serde_json::from_slice(&report).unwrap();
        report["date"].take();
        (fs::read(&png).unwrap(), report)
    };
    let before = drawn();
    assert_eq!(reproduce("fig3"), Vec::<String>::new());
    assert_eq!(reproduce("figa2").len(), 22, "another reward, LFP alone");
    assert!(before == drawn(), "the records have all there is to draw");
    // The order in which threads come to a run does not change its result.
    let runs = folder.path().join("toy/runs");
    let record = runs.join("swirl-lfp-lr0.0005-seed7240.json");
    let accuracies = || {
        let record: serde_json::Value =
            serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
        (
            record["outcome"]["test_accuracy"].clone(),
            record["analysis"].clone(),
        )
    };
    let before = accuracies();
    fs::remove_file(&record).unwrap();
    assert_eq!(reproduce("fig3"), ["swirl-lfp-lr0.0005-seed7240"]);
    assert!(before == accuracies());
}

#[test]
fn the_other_figures_are_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    for figure in ["figa1", "figa2", "fig4", "figa4"] {
        let of_grid: &[&str] = match figure {
            "fig4" | "figa4" => &[],
            _ => &["--seeds", "1"],
        };
        succeeds(&[&["reproduce", figure, "--out", out], of_grid].concat());
        let file = |ending: &str| {
            folder
                .path()
                .join(figure)
                .join(format!("{figure}.{ending}"))
        };
        assert!(
            fs::metadata(file("png")).unwrap().len() > 10_000,
            "{figure}"
        );
        assert!(
            fs::metadata(file("svg")).unwrap().len() > 10_000,
            "{figure}"
        );
    }
    refused(
        &["reproduce", "fig4", "--seeds", "1"],
        &["--seeds", "unexpected argument"],
    );
    refused(
        &["reproduce", "fig3", "--data-dir", out],
        &["--data-dir", "unexpected argument"],
    );
    let result = fs::read_to_string(folder.path().join("fig4/result.json")).unwrap();
    let result: serde_json::Value = serde_json::from_str(&result).unwrap();
    let trajectories = result["trajectories"].as_array().unwrap();
    assert_eq!(trajectories.len(), 14);
    for trajectory in trajectories {
        let value = |key: &str| trajectory[key].as_f64().unwrap();
        assert!(value("final_loss") < value("initial_loss"), "{trajectory}");
    }
}

#[test]
fn a_spiking_network_learns_and_tells_how_often_it_fires() {
    let data = Digits::new(640, 100);
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "run");
    let network = ["train", "--model", "snn-mlp", "--steps", "6"];
    let training = ["--epochs", "3", "--batch", "32"];
    let places = ["--data-dir", data.path(), "--out", &out];
    let arguments = [&network[..], &training, &places].concat();
    succeeds(&arguments);
    let result = fs::read_to_string(Path::new(&out).join("result.json")).unwrap();
    let result: serde_json::Value = serde_json::from_str(&result).unwrap();
    assert_eq!(result["settings"]["spiking"]["steps"], 6);
    let accuracy = result["test_accuracy"][2].as_f64().unwrap();
    assert!(accuracy > 0.9, "{accuracy}");
    for layer in ["layer 1", "layer 2", "layer 3"] {
        let rate = result["firing_rates"][layer].as_f64().unwrap();
        assert!(
            rate > 0.0 && rate < 1.0,
            "{layer} fires at a rate of {rate}"
        );
    }
    let others = [&arguments[..], &["--beta", "0.5", "--resume"]].concat();
    refused(&others, &["--beta 0.9, now --beta 0.5"]);
}

/// The runs that a process started, by what it said.
fn started(output: &Output) -> Vec<String> {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let names = said
        .lines()
        .filter_map(|line| line.split("training ").nth(1));
    names.map(str::to_owned).collect()
}

#[test]
fn a_sweep_goes_on_after_a_kill_and_is_shared_by_processes() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "out");
    let process = || {
        let mut command = Command::new(PROGRAM);
        command.args([
            "reproduce",
            "fig7",
            "--seeds",
            "1",
            "--data-dir",
            data.path(),
        ]);
        command.args(["--out", &out, "--device", "flex"]);
        command.env("RUST_LOG", "lfp_experiments=debug");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let runs = Path::new(&out).join("spiking/runs");
    let done = || {
        let entries = fs::read_dir(&runs).into_iter().flatten().flatten();
        let is_record =
            |entry: &fs::DirEntry| entry.path().extension().is_some_and(|e| e == "json");
        entries.filter(is_record).count()
    };
    let mut killed = process().spawn().unwrap();
    let other = process().spawn().unwrap();
    // Both go on until the end by themselves, so this does, too, if something is wrong.
    while done() < 3 && killed.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    killed.kill().unwrap();
    let killed = started(&killed.wait_with_output().unwrap());
    let other = other.wait_with_output().unwrap();
    assert!(other.status.success());
    let other = started(&other);
    assert_eq!(done(), 24, "two networks, three learners, four rates");
    assert!(!killed.is_empty() && !other.is_empty(), "both took part");
    // Nothing was run twice, but for what was cut off.
    let twice = killed.iter().filter(|name| other.contains(name)).count();
    assert!(twice <= 1, "{killed:?} {other:?}");
    let distinct: std::collections::HashSet<_> = killed.iter().chain(&other).collect();
    assert_eq!(distinct.len(), 24);

    let again = process().output().unwrap();
    assert!(again.status.success());
    assert_eq!(started(&again), Vec::<String>::new());
    for file in ["fig7.png", "fig7.svg", "raster.png", "result.json"] {
        assert!(Path::new(&out).join("fig7").join(file).is_file(), "{file}");
    }
    let report = Report::read(&Path::new(&out).join("fig7"));
    let (network, method) = ("snn-lenet-steps10-beta0.9", "surrogate");
    let points = report.points(network, method, "test_accuracy", "learning_rate");
    assert_eq!(points, 4);
    let results = report.json["results"].as_array().unwrap();
    assert_eq!(results.len(), 6, "two networks, three methods");

    // A record that is torn is not taken for one, and not overwritten.
    let record = runs.join("snn-mlp-steps10-beta0.9-lfp-lr0.1-seed7240.json");
    fs::write(&record, "{").unwrap();
    let arguments = [
        "reproduce",
        "fig7",
        "--seeds",
        "1",
        "--out",
        &out,
        "--device",
        "flex",
    ];
    let arguments = [&arguments[..], &["--data-dir", data.path()]].concat();
    refused(&arguments, &["seed7240.json", "move it away"]);
    assert_eq!(fs::read_to_string(&record).unwrap(), "{");
}

#[test]
fn lenet_reads_the_real_digits() {
    let Ok(data) = std::env::var(REAL_DATA) else {
        eprintln!("SKIPPED: {REAL_DATA} does not name a folder with the real MNIST files");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "run");
    succeeds(&["train", "--epochs", "1", "--data-dir", &data, "--out", &out]);
    let result = fs::read_to_string(Path::new(&out).join("result.json")).unwrap();
    let result: serde_json::Value = serde_json::from_str(&result).unwrap();
    let accuracy = result["test_accuracy"][0].as_f64().unwrap();
    assert!(accuracy > 0.96, "{accuracy}");
}

#[test]
fn an_option_without_effect_is_refused_by_name() {
    for arguments in [
        "--model snn-mlp --class-weights",
        "--model snn-mlp --hidden-layer",
        "--hidden-layer",
        "--model snn-mlp --dropout 0.5",
        "--model snn-lenet --activation tanh",
        "--model snn-mlp --lfp-batch-norm through-statistics",
        "--model snn-mlp --reward sigmoid",
        "--model snn-mlp --surrogate none",
        "--model snn-mlp --gradient-normalization max-abs",
        "--model snn-mlp --method gradient --surrogate none --gradient-normalization max-abs",
        "--method gradient --gradient-normalization max-abs",
        "--model mlp-toy --dropout 0.5",
        "--model mlp-toy --lfp-dropout scale",
        "--model resnet32 --lfp-dropout scale",
        "--model lenet --lfp-lif-denominator signed-sum",
        "--model lenet --lfp-sign-change negate",
        "--model vgg-like --activation tanh --lfp-sign-change negate",
        "--model snn-mlp --lfp-sign-change negate",
        "--model vgg-like --dropout 0 --lfp-dropout scale",
        "--method gradient --reward sigmoid",
        "--spike-reward at-spikes",
        "--model snn-mlp --method gradient --spike-reward at-spikes",
        "--method gradient --lfp-epsilon 1e-3",
        "--method gradient --model vgg-like --lfp-batch-norm through-statistics",
        "--optimizer adagrad --momentum 0.5",
        "--optimizer adagrad --cycle-momentum 0.8 0.9",
        "--schedule constant --cycle-momentum 0.8 0.9",
        "--optimizer adam --dampening",
        "--momentum 0 --dampening",
        "--cycle-momentum 0 0 --dampening",
        "--image-size 64",
        "--cache",
        "--threshold 2",
        "--batch 1 --accumulate 4",
        "--model snn-mlp --steps 1 --beta 0.5",
    ] {
        let arguments: Vec<&str> = ["train"].into_iter().chain(arguments.split(' ')).collect();
        let mut names = arguments.iter().rev().filter(|word| word.starts_with("--"));
        let name = names.next().expect("an option");
        refused(&arguments, &[&format!("{name} has no effect")]);
    }
    refused(
        &["bench", "step", "--model", "lenet", "--time-steps", "5"],
        &["--time-steps has no effect"],
    );
}
