//! Standard streams, signals, exit codes and the bounds of options.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

#[cfg(target_os = "linux")]
use super::lease::Lease;
#[cfg(unix)]
use super::stalled::Stalled;
use super::{Digits, PROGRAM, path, program, refused, succeeds, train_arguments, weights};

/// Runs the program with this standard output. Returns its exit code and what it said.
fn with_output(arguments: &[&str], output: Stdio) -> (Option<i32>, String) {
    let mut command = Command::new(PROGRAM);
    let process = command
        .args(arguments)
        .stdout(output)
        .stderr(Stdio::piped());
    let ended = process.spawn().unwrap().wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    (ended.status.code(), said)
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_or_closed_standard_output_ends_the_program_with_a_message_and_loses_nothing() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let [whole, full] = ["whole", "full"].map(|name| path(&folder, name));
    succeeds(&train_arguments(&data, &whole));
    let device = || fs::File::options().write(true).open("/dev/full").unwrap();
    let (code, said) = with_output(&train_arguments(&data, &full), device().into());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("cannot write to standard output"), "{said}");
    assert!(Path::new(&full).join("checkpoint-0001").is_dir());
    succeeds(&["train", "--resume", "--out", &full]);
    assert!(weights(&full) == weights(&whole));

    for arguments in [&["--help"][..], &["train", "--help"], &["--version"]] {
        let (code, said) = with_output(arguments, device().into());
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
        assert!(said.contains("standard output"), "{said}");
    }
    let out = path(&folder, "results");
    let figure = ["reproduce", "figa4", "--out", &out];
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let (code, said) = with_output(&figure, writer.into());
    assert_eq!(code, Some(2), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    assert!(Path::new(&out).join("figa4/figa4.png").is_file());
}

/// The command of a run in `out`.
#[cfg(unix)]
fn training(data: &Digits, out: &str, epochs: &'static str) -> Command {
    let mut arguments = train_arguments(data, out);
    arguments[2] = epochs;
    let mut command = Command::new(PROGRAM);
    command.args(arguments);
    command
}

#[test]
#[cfg(unix)]
fn ctrl_c_stops_a_run_with_a_line_that_says_how_to_resume() {
    let data = Digits::new(320, 100);
    let folder = tempfile::tempdir().unwrap();
    let [whole, run] = ["whole", "a run"].map(|name| path(&folder, name));
    succeeds(&train_arguments(&data, &whole));
    let metrics = Path::new(&run).join("metrics.csv");
    let mut stalled = Stalled::after(training(&data, &run, "4"), &metrics);
    stalled.interrupt();
    let how = format!("interrupted; go on with: lfp-experiments train --resume --out '{run}'\n");
    assert_eq!(stalled.line(), how);
    stalled.release();
    assert_eq!(stalled.end(), (Some(130), String::new()));
    assert!(!Path::new(&run).join("checkpoint-0002").exists());
    succeeds(&["train", "--resume", "--out", &run]);
    assert!(weights(&run) == weights(&whole));
}

#[test]
#[cfg(unix)]
fn a_second_ctrl_c_ends_the_program_at_once() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let run = path(&folder, "run");
    let metrics = Path::new(&run).join("metrics.csv");
    let mut stalled = Stalled::after(training(&data, &run, "4"), &metrics);
    stalled.interrupt();
    assert!(stalled.line().contains("--resume"));
    stalled.interrupt();
    // Though it stands still.
    assert_eq!(stalled.end(), (Some(130), "interrupted\n".to_owned()));
    succeeds(&["train", "--resume", "--out", &run]);
}

#[test]
#[cfg(unix)]
fn ctrl_c_after_the_last_epoch_says_what_is_left_to_do() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let [whole, ended] = ["whole", "ended"].map(|name| path(&folder, name));
    assert!(
        training(&data, &whole, "1")
            .output()
            .unwrap()
            .status
            .success()
    );

    let file = |run: &str, name: &str| Path::new(run).join(name);
    let metrics = file(&ended, "metrics.csv");
    let mut stalled = Stalled::after(training(&data, &ended, "1"), &metrics);
    stalled.interrupt();
    assert!(stalled.line().contains("train --resume"));
    stalled.release();
    assert_eq!(stalled.end(), (Some(130), String::new()));
    assert!(weights(&ended) == weights(&whole));
    assert!(!file(&ended, "report.html").exists());
    succeeds(&["train", "--resume", "--out", &ended]);
    assert!(file(&ended, "report.html").exists());
}

#[test]
#[cfg(target_os = "linux")]
fn ctrl_c_while_the_page_is_written_says_how_to_write_it() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let run = path(&folder, "run");
    let [metrics, evaluation] =
        ["metrics.csv", "evaluation.json"].map(|name| Path::new(&run).join(name));
    let mut stalled = Stalled::after(training(&data, &run, "1"), &metrics);
    let lease = match Lease::new(&metrics) {
        Ok(lease) => lease,
        Err(error) => return eprintln!("skipped: no lease on a file here ({error})"),
    };
    stalled.release();
    // The page needs the metrics, too.
    stalled.wait_for(&evaluation);
    stalled.interrupt();
    let how = format!(
        "the run is complete; its page is written by: lfp-experiments report --run {run}\n"
    );
    assert_eq!(stalled.line(), format!("interrupted; {how}"));
    drop(lease);
    assert_eq!(stalled.end(), (Some(130), String::new()));
    succeeds(&["report", "--run", &run]);
}

#[test]
#[cfg(unix)]
fn a_parent_that_ignores_ctrl_c_has_it_ignored() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let run = path(&folder, "run");
    let metrics = Path::new(&run).join("metrics.csv");
    // As nohup and shells do for programs in the background.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' INT; exec \"$0\" \"$@\"", PROGRAM]);
    command.args(train_arguments(&data, &run));
    let mut stalled = Stalled::after(command, &metrics);
    stalled.interrupt();
    stalled.release();
    assert_eq!(stalled.end(), (Some(0), String::new()));
}

#[test]
#[cfg(unix)]
fn ctrl_c_stops_a_sweep_and_leaves_its_journal_whole() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "out");
    let figure = [
        "reproduce",
        "fig7",
        "--seeds",
        "1",
        "--data-dir",
        data.path(),
    ];
    let figure = [&figure[..], &["--out", &out, "--device", "flex"]].concat();
    let mut process = Command::new(PROGRAM)
        .args(&figure)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let runs = Path::new(&out).join("spiking/runs");
    let records = || {
        let entries = fs::read_dir(&runs).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        let records = paths.filter(|path| path.extension().is_some_and(|of| of == "json"));
        records.collect::<Vec<_>>()
    };
    while records().len() < 2 {
        assert_eq!(process.try_wait().unwrap(), None, "it ended too early");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let id = process.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
    let ended = process.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(130), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    assert!(said.contains("the same command"), "{said}");
    for record in records() {
        let record = fs::read(record).unwrap();
        assert!(serde_json::from_slice::<serde_json::Value>(&record).is_ok());
    }
    let left = |ending: &str| {
        let entries = fs::read_dir(&runs).unwrap().flatten();
        let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
        entries
            .map(name)
            .filter(|name| name.ends_with(ending))
            .count()
    };
    assert_eq!(left(".tmp"), 0);
}

#[test]
fn numbers_have_bounds() {
    let most = u64::MAX.to_string();
    let numbers = [most.as_str(), "0", "-1", "nan", "inf", "1e999", ""];
    for number in numbers {
        for (command, option) in [
            (&["train"][..], "--epochs"),
            (&["train"], "--batch"),
            (&["train"], "--accumulate"),
            (&["train"], "--steps"),
            (&["train"], "--workers"),
            (&["train"], "--classes"),
            (&["train"], "--image-size"),
            (&["bench", "step"], "--steps"),
            (&["bench", "step"], "--batch"),
            (&["bench", "step"], "--time-steps"),
            (&["reproduce", "fig3"], "--seeds"),
            (&["reproduce", "list"], "--seeds"),
        ] {
            let argument = format!("{option}={number}");
            refused(
                &[command, &[argument.as_str()]].concat(),
                &[option, "whole number"],
            );
        }
    }
    for number in ["-1", "nan", "inf", "1e999", "1e39", ""] {
        for option in [
            "--lr",
            "--clip",
            "--adaptive-clip",
            "--weight-decay",
            "--momentum",
        ] {
            let argument = format!("{option}={number}");
            refused(&["train", &argument], &[option, "number"]);
        }
    }
    // Positive, and 0 in the precision of the network.
    refused(&["train", "--lr", "1e-300"], &["--lr", "positive"]);
    refused(
        &["train", "--momentum", "0.9999999999"],
        &["--momentum", "below 1"],
    );
    refused(&["train", "--seed", "-1"], &["--seed"]);
    refused(&["train", "--seed", "18446744073709551616"], &["--seed"]);
}

#[test]
fn a_batch_larger_than_the_data_is_all_of_them() {
    let data = Digits::new(20, 10);
    let folder = tempfile::tempdir().unwrap();
    let [all, more] = ["all", "more"].map(|name| path(&folder, name));
    let run = |out: &str, batch: &str| {
        let of_run = ["train", "--model", "mlp", "--batch", batch, "--out", out];
        succeeds(&[&of_run[..], &["--data-dir", data.path()]].concat());
        weights(out)
    };
    assert!(run(&all, "20") == run(&more, "1000000"));
}

#[test]
fn what_is_named_twice_and_folders_that_are_not_there_are_refused() {
    for (arguments, words) in [
        ("train --devices flex,flex", "--devices names flex twice"),
        ("bench step --model mlp,mlp", "--model names mlp twice"),
        ("bench step --method lfp,lfp", "--method names lfp twice"),
        (
            "reproduce table3 --models vgg16,vgg16",
            "--models names vgg16 twice",
        ),
        ("reproduce list --only fig3,fig3", "--only names fig3 twice"),
        (
            "reproduce table3 --pretrained /nonexistent",
            "--pretrained /nonexistent: no such folder",
        ),
        (
            "reproduce fig5 --data-dir /nonexistent",
            "--data-dir /nonexistent: no such folder",
        ),
        (
            "reproduce list --data-dir /nonexistent",
            "--data-dir /nonexistent: no such folder",
        ),
        ("reproduce list --overwrite", "--overwrite has no effect"),
        (
            "report --runs /nonexistent",
            "--runs /nonexistent: no such folder",
        ),
        (
            "train --pretrained x --pretrained-allow head,head",
            "--pretrained-allow names head twice",
        ),
        ("train --activation softplus:1e308", "unknown activation"),
        ("train --activation softplus:1e-320", "unknown activation"),
        ("train --activation leaky_relu:-1e308", "unknown activation"),
        ("train --activation hardtanh:0,1e-320", "unknown activation"),
        (
            "train --model snn-mlp --method gradient --surrogate fast-sigmoid:1e-320",
            "unknown surrogate",
        ),
        (
            "train --model snn-mlp --method gradient --surrogate fast-sigmoid:1e308",
            "unknown surrogate",
        ),
        (
            "prune --checkpoint x --criteria local,local",
            "--criteria names local twice",
        ),
        ("prune --checkpoint x --rates 0.5,0.5", "different rates"),
        ("prune --checkpoint x --rates nan", "from 0 to 1"),
    ] {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        refused(&arguments, &[words]);
    }
}

#[test]
fn names_cannot_control_the_terminal() {
    let name = "/nowhere/\u{1b}[31m\nred";
    refused(&["train", "--data-dir", name], &["\\u{1b}[31m\\nred"]);
    refused(&["explain", "--checkpoint", name], &["\\u{1b}[31m\\nred"]);
    refused(&["conformance", name], &["\\u{1b}[31m\\nred"]);
    let said = program(&["train", "--model", name]).stderr;
    let said = String::from_utf8(said).unwrap();
    assert!(!said.trim_end().chars().any(char::is_control), "{said:?}");
}

#[test]
fn the_exit_codes_are_documented_where_they_are_needed() {
    let help = succeeds(&["--help"]);
    for code in [
        "0 done",
        "1 a check failed",
        "2 bad input, or out of memory",
        "101 a fault",
        "130 interrupted",
    ] {
        assert!(help.contains(code), "{help}");
    }
    assert_eq!(program(&["--version"]).status.code(), Some(0));
    assert_eq!(program::<&str>(&[]).status.code(), Some(2));
}

#[test]
fn pruning_says_what_is_wrong_before_it_works() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let [spiking, dense, out] = ["spiking", "dense", "out"].map(|name| path(&folder, name));
    for (model, run) in [("snn-mlp", &spiking), ("mlp", &dense)] {
        let of_run = ["train", "--model", model, "--epochs", "2", "--batch", "32"];
        succeeds(&[&of_run[..], &["--data-dir", data.path(), "--out", run]].concat());
    }
    let of = |run: &str, words: &[&str], more: &[&str]| {
        let places = [
            "prune",
            "--checkpoint",
            run,
            "--data-dir",
            data.path(),
            "--out",
            &out,
        ];
        refused(&[&places[..], more].concat(), words);
        assert!(!Path::new(&out).exists());
    };
    of(&spiking, &["relevance needs logits", "snn-mlp"], &[]);
    of(&dense, &["no layer to prune"], &[]);
    let explain = ["explain", "--checkpoint", &spiking, "--out", &out];
    refused(
        &[&explain[..], &["--data-dir", data.path()]].concat(),
        &["emits spikes"],
    );
    assert!(!Path::new(&out).exists());
    // Weights that have no order.
    let file = Path::new(&dense).join("final.safetensors");
    let mut content = fs::read(&file).unwrap();
    let place = {
        let tensors = safetensors::SafeTensors::deserialize(&content).unwrap();
        let weight = tensors.tensor("classifier.0.weight").unwrap();
        weight.data().as_ptr() as usize - content.as_ptr() as usize
    };
    content[place..place + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&file, content).unwrap();
    of(
        &dense,
        &["final.safetensors", "classifier.0.weight holds NaN"],
        &["--layers", "all"],
    );
}
