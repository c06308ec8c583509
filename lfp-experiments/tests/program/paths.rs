//! Paths that are no text, no folder, no file, or the wrong one.

use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use super::{Digits, PROGRAM, path, refusal, refused, succeeds, train_arguments};

/// The arguments of a line, and more of them.
fn arguments(line: &str, more: &[&OsStr]) -> Vec<OsString> {
    let line = line.split(' ').map(OsString::from);
    line.chain(more.iter().map(OsString::from)).collect()
}

/// A path in `folder` whose name is not UTF-8.
fn no_text(folder: &TempDir) -> PathBuf {
    folder.path().join(OsStr::from_bytes(b"no\xfftext"))
}

const TOY: &str = "train --model mlp-toy --dataset blobs --epochs 1";

/// What the JSON file says of the command that made it.
fn command(file: &Path) -> String {
    let content: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    content["command"].to_string()
}

#[test]
fn results_in_a_folder_whose_name_is_no_text_are_complete() {
    let folder = tempfile::tempdir().unwrap();
    let out = no_text(&folder);
    let of = |option: &'static str| [OsStr::new(option), out.as_os_str()];
    succeeds(&arguments(TOY, &of("--out")));
    let page = out.join("report.html");
    fs::remove_file(&page).unwrap();
    succeeds(&arguments("report --device flex", &of("--run")));
    assert!(page.is_file());
    assert!(command(&out.join("evaluation.json")).contains("no\u{fffd}text"));
    succeeds(&arguments("train --resume", &of("--out")));

    let results = folder.path().join(OsStr::from_bytes(b"results\xff"));
    let out = [OsStr::new("--out"), results.as_os_str()];
    succeeds(&arguments("reproduce figa4", &out));
    let results = results.join("figa4/result.json");
    assert!(command(&results).contains("results\u{fffd}"));
}

#[test]
fn a_path_that_a_run_records_must_be_text() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let [linked, file] =
        [b"data\xff", b"file\xff"].map(|name| folder.path().join(OsStr::from_bytes(name)));
    symlink(data.path(), &linked).unwrap();
    fs::write(&file, "weights").unwrap();
    let out = path(&folder, "out");
    for (option, place) in [("--data-dir", &linked), ("--pretrained", &file)] {
        let line = format!("train --model mlp --out {out} {option}");
        let words = [option, "cannot record", "is not UTF-8"];
        refused(&arguments(&line, &[place.as_os_str()]), &words);
    }
    // The path from the root counts.
    let inside = no_text(&folder);
    fs::create_dir(&inside).unwrap();
    let output = Command::new(PROGRAM)
        .args(arguments(
            TOY,
            &["--pretrained".as_ref(), "weights".as_ref()],
        ))
        .current_dir(&inside)
        .output()
        .unwrap();
    let said = refusal(&output);
    assert!(said.contains("is not UTF-8"), "{said}");
    assert!(fs::read_dir(&inside).unwrap().next().is_none());
}

pub(crate) fn pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

/// A program that opened one of them would wait for ever.
#[test]
fn a_pipe_or_a_device_is_no_file_that_is_read() {
    const WORDS: &str = "not a regular file, but a pipe or a device";
    let folder = tempfile::tempdir().unwrap();
    let [fifo, out] = ["fifo", "out"].map(|name| path(&folder, name));
    pipe(Path::new(&fifo));
    for place in [&*fifo, "/dev/zero"] {
        let of_run = ["train", "--out", &out, "--pretrained", place];
        refused(&of_run, &[place, WORDS]);
        refused(&["conformance", place], &[place, WORDS]);
        refused(
            &["train", "--data-dir", place, "--out", &out],
            &[place, "not a folder"],
        );
    }
    assert!(!Path::new(&out).exists());
    let error = lfp_models::StateDict::open(&fifo);
    let model = lfp_models::Model::LENET;
    let config = lfp_models::NetworkConfig::new([1, 28, 28], 10);
    let network = model.init(&config, &Default::default()).unwrap();
    let error = error.apply_to(network).unwrap_err().to_string();
    assert!(error.contains("found a pipe or a device"), "{error}");

    succeeds(&arguments(TOY, &["--out".as_ref(), out.as_ref()]));
    for name in ["settings.json", ".lock", "checkpoint-0001/epochs.json"] {
        let file = Path::new(&out).join(name);
        let kept = folder.path().join("kept");
        fs::rename(&file, &kept).unwrap();
        pipe(&file);
        refused(&["train", "--resume", "--out", &out], &[name, WORDS]);
        fs::rename(&kept, &file).unwrap();
    }
    for name in ["evaluation.json", "metrics.csv"] {
        let file = Path::new(&out).join(name);
        fs::remove_file(&file).unwrap();
        pipe(&file);
        refused(&["report", "--run", &out], &[name, WORDS]);
    }
}

#[test]
fn what_is_in_the_way_of_results_is_said_alone_and_before_anything_is_computed() {
    let folder = tempfile::tempdir().unwrap();
    let [file, link] = ["file", "link"].map(|name| path(&folder, name));
    fs::write(&file, "").unwrap();
    symlink(&link, &link).unwrap();
    let run = path(&folder, "run");
    succeeds(&arguments(TOY, &["--out".as_ref(), run.as_ref()]));
    let [below, roundabout] = ["file/a/b", "new/../file"].map(|name| path(&folder, name));
    for (out, place) in [
        (&*file, &*file),
        (&below, &file),
        (&roundabout, &file),
        (&link, &link),
        ("/dev/null", "/dev/null"),
    ] {
        for line in [
            &format!("{TOY} --out"),
            "report --out",
            "reproduce fig4 --out",
            "demo cartpole --out",
            "bench scaling --out",
            &format!("prune --checkpoint {run} --layers all --out"),
        ] {
            let words = format!("{place}: not a folder");
            refused(&arguments(line, &[out.as_ref()]), &[&words]);
        }
    }
    assert!(!folder.path().join("new").exists());
    let resume = ["train", "--resume", "--out", &below];
    refused(&resume, &[&below, "no such folder"]);
}

#[test]
fn results_are_not_written_among_the_data() {
    let data = Digits::new(100, 20);
    let folder = tempfile::tempdir().unwrap();
    let (run, place) = (path(&folder, "run"), data.path());
    let mut training = train_arguments(&data, &run);
    training[2] = "1";
    succeeds(&training);
    let before = fs::read_dir(place).unwrap().count();
    let other_name = format!(
        "{place}/../{}",
        Path::new(place).file_name().unwrap().display()
    );
    for line in [
        "demo verdict --oracle --verdicts 20 --data-dir {data}",
        "demo f1 --data-dir {data}",
        "demo quantized --data-dir {data}",
        "demo levenshtein --data-dir {data}",
        "reproduce fig5 --data-dir {data}",
        "reproduce table3 --data-dir {data}",
        "reproduce all --data-dir {data}",
        "explain --checkpoint {run}",
        "prune --checkpoint {run}",
    ] {
        let line = line.replace("{data}", place).replace("{run}", &run);
        let words = format!("{other_name}: a folder of the data");
        let line = format!("{line} --out {other_name}");
        refused(&line.split(' ').collect::<Vec<_>>(), &[&words]);
    }
    refused(&train_arguments(&data, place), &["the folder is not empty"]);
    // torchvision's folder, which is read if it has the files.
    let raw = format!("{place}/MNIST/raw");
    fs::create_dir_all(&raw).unwrap();
    let new = format!("{raw}/new");
    for out in [&raw, &new] {
        let words = format!("{out}: a folder of the data");
        refused(&train_arguments(&data, out), &[&words]);
        let demo = ["demo", "f1", "--data-dir", place, "--out", out];
        refused(&demo, &[&words]);
    }
    fs::remove_dir_all(format!("{place}/MNIST")).unwrap();
    assert_eq!(fs::read_dir(place).unwrap().count(), before);
}
