//! `train --resume`: whatever happened to a run, it goes on as it should, or says why not.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;
use sha2::Digest;

#[cfg(unix)]
use super::stalled::Stalled;
use super::{
    Digits, PROGRAM, path, photographs::image_folder, program, refusal, refused, succeeds,
    train_arguments, weights,
};

fn read_json(folder: &str, name: &str) -> Value {
    let content = fs::read(Path::new(folder).join(name)).unwrap();
    serde_json::from_slice(&content).unwrap()
}

fn write_json(folder: &str, name: &str, value: &Value) {
    fs::write(Path::new(folder).join(name), value.to_string()).unwrap();
}

/// A run after `epochs` of its four epochs: what a kill leaves.
pub(crate) fn stopped_after(epochs: usize, whole: &str, stopped: &str) {
    fs::create_dir(stopped).unwrap();
    for entry in fs::read_dir(whole).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let kept = ["settings.json", "metrics.csv", "best.safetensors", ".lock"].contains(&&*name)
            || name == format!("checkpoint-{epochs:04}");
        if !kept {
            continue;
        }
        let to = Path::new(stopped).join(&name);
        if entry.path().is_dir() {
            fs::create_dir(&to).unwrap();
            for file in fs::read_dir(entry.path()).unwrap().flatten() {
                fs::copy(file.path(), to.join(file.file_name())).unwrap();
            }
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn a_run_resumes_without_other_options_and_rewrites_its_metrics() {
    let data = Digits::new(320, 100);
    let folder = tempfile::tempdir().unwrap();
    let whole = path(&folder, "whole");
    // A learning rate that serde_json without `float_roundtrip` reads one bit off.
    let mut arguments = train_arguments(&data, &whole);
    arguments.extend(["--model", "mlp", "--seed", "3"]);
    succeeds(&arguments);
    for metrics in ["", "epoch,lr\n1,2\n", "epoch,lr,tra"] {
        let stopped = path(&folder, "stopped");
        stopped_after(3, &whole, &stopped);
        fs::write(Path::new(&stopped).join("metrics.csv"), metrics).unwrap();
        // A process was killed while it wrote.
        fs::write(Path::new(&stopped).join("result.json.417.tmp"), "{").unwrap();
        let said = succeeds(&["train", "--resume", "--out", &stopped]);
        assert!(said.contains("resumed after epoch 3"), "{said}");
        assert!(weights(&stopped) == weights(&whole));
        let rows = |run: &str| {
            let metrics = fs::read_to_string(Path::new(run).join("metrics.csv")).unwrap();
            let row = |line: &str| line.rsplit_once(',').unwrap().0.to_owned();
            metrics.lines().map(row).collect::<Vec<_>>()
        };
        assert_eq!(rows(&stopped), rows(&whole), "all but the seconds");
        fs::remove_dir_all(&stopped).unwrap();
    }
}

#[test]
fn what_contradicts_the_run_is_listed_at_once_and_what_is_equal_is_not() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let run = path(&folder, "run");
    succeeds(&[&train_arguments(&data, &run)[..], &["--device", "auto"]].concat());
    let resume = ["train", "--resume", "--out", &run];
    let with = |options: &[&'static str]| [&resume[..], options].concat();
    refused(
        &with(&[
            "--lr", "0.5", "--batch", "16", "--seed", "1", "--model", "mlp",
        ]),
        &[
            "--model lenet, now --model mlp",
            "--batch 32, now --batch 16",
            "--lr 0.02, now --lr 0.5",
            "--seed 7240, now --seed 1",
        ],
    );
    refused(
        &with(&["--dampening"]),
        &["--dampening unset, now --dampening true"],
    );
    refused(&with(&["--steps", "5"]), &["--steps has no effect"]);
    refused(
        &with(&[
            "--model",
            "snn-lenet",
            "--steps",
            "3",
            "--hidden-layer",
            "--classes",
            "5",
        ]),
        &[
            "--model lenet, now --model snn-lenet",
            "--steps",
            "now --hidden-layer",
            "--classes 10, now --classes 5",
        ],
    );
    let said = refusal(&program(&with(&["--model", "snn-mlp", "--beta", "0.5"])));
    let listed = "--model lenet, now --model snn-mlp; --beta unset, now --beta 0.5;";
    assert!(said.contains(listed), "{said}");
    let same = [
        "--lr",
        "2e-2",
        "--device",
        "flex",
        "--model",
        "lenet",
        "--momentum",
        "0.90",
    ];
    if cfg!(not(feature = "cuda")) {
        succeeds(&with(&same));
    }
    // The same data by another path.
    let roundabout = format!(
        "{}/../{}",
        data.path(),
        data.folder.path().file_name().unwrap().display()
    );
    succeeds(&[&resume[..], &["--data-dir", &roundabout]].concat());
}

#[test]
fn there_must_be_a_run_to_resume() {
    let data = Digits::new(20, 10);
    let folder = tempfile::tempdir().unwrap();
    let run = path(&folder, "run");
    let resume = [&train_arguments(&data, &run)[..], &["--resume"]].concat();
    refused(&resume, &["run", "no such folder", "without --resume"]);
    assert!(!Path::new(&run).exists());
    fs::write(&run, "").unwrap();
    refused(&resume, &["not a folder"]);
    fs::remove_file(&run).unwrap();
    fs::create_dir(&run).unwrap();
    refused(&resume, &["empty folder"]);
    // Killed before it wrote its settings.
    for again in [&resume[..], &train_arguments(&data, &run)] {
        fs::write(Path::new(&run).join(".lock"), "").unwrap();
        let bare = ["train", "--resume", "--out", &run];
        refused(
            &bare,
            &["stopped before it wrote its settings", "without --resume"],
        );
        fs::write(Path::new(&run).join("settings.json.417.tmp"), "{").unwrap();
        succeeds(again);
        assert!(!Path::new(&run).join("settings.json.417.tmp").exists());
        fs::remove_dir_all(&run).unwrap();
        fs::create_dir(&run).unwrap();
    }
}

#[test]
fn other_data_than_at_the_start_are_refused_by_name() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let run = path(&folder, "run");
    succeeds(&train_arguments(&data, &run));
    let resume =
        |data: &str| ["train", "--resume", "--out", &run, "--data-dir", data].map(str::to_owned);
    let refused_for = |data: &str, words: &[&str]| {
        let arguments = resume(data);
        refused(&arguments.each_ref().map(String::as_str), words);
    };
    let more = Digits::new(65, 20);
    refused_for(
        more.path(),
        &["64 training and 20 test samples, now 65 and 20"],
    );
    // With settings that differ, the data are named in the same line.
    let both = [
        &resume(more.path())[..],
        &["--lr", "0.5"].map(str::to_owned),
    ]
    .concat();
    refused(
        &both,
        &["--lr 0.02, now --lr 0.5; 64 training and 20 test samples, now 65 and 20"],
    );
    // One pixel.
    let images = data.file("train-images-idx3-ubyte");
    let mut content = fs::read(&images).unwrap();
    *content.last_mut().unwrap() ^= 1;
    fs::write(&images, content).unwrap();
    refused_for(data.path(), &["began with", "as many others"]);
}

#[test]
fn a_checkpoint_of_another_run_is_refused_by_name() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let [ours, theirs, stopped] = ["ours", "theirs", "stopped"].map(|name| path(&folder, name));
    succeeds(&train_arguments(&data, &ours));
    succeeds(&[&train_arguments(&data, &theirs)[..], &["--seed", "5"]].concat());
    stopped_after(3, &ours, &stopped);
    let checkpoint =
        |run: &str, epoch: usize| Path::new(run).join(format!("checkpoint-000{epoch}"));
    fs::rename(checkpoint(&theirs, 4), checkpoint(&stopped, 4)).unwrap();
    let resume = ["train", "--resume", "--out", &stopped];
    refused(
        &resume,
        &[
            "checkpoint-0004",
            "another run",
            "--seed 5, now --seed 7240",
        ],
    );
    fs::remove_dir_all(checkpoint(&stopped, 4)).unwrap();
    succeeds(&resume);
    assert!(weights(&stopped) == weights(&ours));
}

#[test]
fn a_settings_file_that_is_misspelt_or_out_of_range_is_named() {
    let data = Digits::new(20, 10);
    let folder = tempfile::tempdir().unwrap();
    let run = path(&folder, "run");
    succeeds(&train_arguments(&data, &run));
    let settings = read_json(&run, "settings.json");
    let refused_with = |name: &str, value: Value, words: &[&str]| {
        let mut changed = settings.clone();
        changed[name] = value;
        write_json(&run, "settings.json", &changed);
        for command in [
            &["train", "--resume", "--out", &run][..],
            &["prune", "--checkpoint", &run],
            &["report", "--run", &run],
        ] {
            refused(command, &[&["settings.json"], words].concat());
        }
    };
    refused_with("drop_out", 0.5.into(), &["unknown field `drop_out`"]);
    refused_with("epochs", 0.into(), &["epochs is 0"]);
    refused_with("lr", (-1.0).into(), &["lr is -1"]);
    refused_with("batch", u64::MAX.into(), &["batch is 18446744073709551615"]);
    refused_with("model", "transformer".into(), &["transformer"]);
    refused_with("lfp", serde_json::json!({"epsilom": 1.0}), &["epsilom"]);
}

#[test]
#[cfg(unix)]
fn a_second_process_leaves_the_first_alone() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let run = path(&folder, "run");
    let mut first = Command::new(PROGRAM);
    first.args(train_arguments(&data, &run));
    let mut first = Stalled::after(first, &Path::new(&run).join("metrics.csv"));
    // What the first may be about to write.
    let unfinished = Path::new(&run).join("metrics.csv.1.tmp");
    fs::write(&unfinished, "epoch").unwrap();
    let resume = ["train", "--resume", "--out", &run];
    refused(&resume, &["another process trains in this folder"]);
    assert!(unfinished.exists(), "the second deletes nothing");
    first.release();
    assert_eq!(first.end(), (Some(0), String::new()));
    succeeds(&resume);
}

#[test]
fn of_two_processes_that_start_at_once_one_trains() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let run = path(&folder, "run");
    let start = || {
        let mut command = Command::new(PROGRAM);
        command.args(train_arguments(&data, &run));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let processes = [start(), start(), start()];
    let codes = processes.map(|mut process| process.wait().unwrap().code());
    let trained = codes.iter().filter(|code| **code == Some(0)).count();
    assert_eq!(trained, 1, "{codes:?}");
    assert!(
        codes.iter().all(|code| matches!(code, Some(0 | 2))),
        "{codes:?}"
    );
}

#[test]
fn a_folder_that_is_removed_meanwhile_is_an_error_and_stays_removed() {
    let data = Digits::new(640, 100);
    let folder = tempfile::tempdir().unwrap();
    let run = path(&folder, "run");
    let mut arguments = train_arguments(&data, &run);
    arguments.extend(["--model", "mlp"]);
    let epochs = arguments.iter().position(|of| *of == "4").unwrap();
    arguments[epochs] = "500";
    let mut process = Command::new(PROGRAM)
        .args(&arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while !Path::new(&run).join("checkpoint-0002").exists() {
        assert_eq!(process.try_wait().unwrap(), None, "it ended too early");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    // Renamed, because a folder in use may get new files while it is emptied.
    fs::rename(&run, path(&folder, "elsewhere")).unwrap();
    let said = refusal(&process.wait_with_output().unwrap());
    assert!(!Path::new(&run).exists(), "{said}");
}

#[test]
fn results_of_other_commands_stay_out_of_the_folder_of_a_run() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let run = path(&folder, "run");
    succeeds(&train_arguments(&data, &run));
    let before = fs::read(Path::new(&run).join("result.json")).unwrap();
    let within = path(&folder, "run/deeper/still");
    for out in [&run, &within] {
        let of_run = [
            "--checkpoint",
            &run,
            "--data-dir",
            data.path(),
            "--out",
            out,
        ];
        let words = ["the folder of the run", "choose another --out"];
        refused(&[&["prune"], &of_run[..]].concat(), &words);
        refused(&[&["explain"], &of_run[..]].concat(), &words);
        refused(&["report", "--out", out], &words);
        refused(&["reproduce", "figa4", "--out", out], &words);
        refused(
            &["bench", "scaling", "--model", "mlp", "--out", out],
            &words,
        );
        refused(
            &["demo", "f1", "--data-dir", data.path(), "--out", out],
            &words,
        );
        refused(
            &["reproduce", "list", "--only", "figa4", "--out", out],
            &words,
        );
    }
    refused(&train_arguments(&data, &within), &["the folder of the run"]);
    assert_eq!(
        fs::read(Path::new(&run).join("result.json")).unwrap(),
        before
    );
    assert!(!Path::new(&within).exists());
    succeeds(&["train", "--resume", "--out", &run]);
}

#[test]
#[cfg(unix)]
fn an_epoch_is_kept_if_it_cannot_be_tested() {
    let photographs = image_folder(2, 6, 4);
    let root = photographs.path().to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let [whole, run] = ["whole", "run"].map(|name| path(&folder, name));
    let training = |out: &str| {
        let mut command = Command::new(PROGRAM);
        let line = "train --model mlp --dataset folder --image-size 32 --epochs 3 --batch 4";
        command.args(line.split(' '));
        command.args(["--data-dir", root, "--out", out]);
        command
    };
    assert!(training(&whole).output().unwrap().status.success());
    let metrics = Path::new(&run).join("metrics.csv");
    let mut stalled = Stalled::after(training(&run), &metrics);
    // It disappears after the first epoch.
    let photograph = photographs.path().join("test/class1/0.png");
    let content = fs::read(&photograph).unwrap();
    fs::remove_file(&photograph).unwrap();
    stalled.release();
    let (code, said) = stalled.end();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("class1/0.png"), "{said}");
    assert!(Path::new(&run).join("checkpoint-0002").is_dir());
    fs::write(&photograph, &content).unwrap();
    let said = succeeds(&["train", "--resume", "--out", &run]);
    assert!(said.contains("resumed after epoch 1"), "{said}");
    assert!(weights(&run) == weights(&whole));
    let accuracies = |run: &str| read_json(run, "result.json")["test_accuracy"].clone();
    assert_eq!(accuracies(&run), accuracies(&whole));
}

/// It would diverge again each time.
#[test]
fn a_network_that_diverged_leaves_no_checkpoint() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let run = path(&folder, "run");
    // One step: its outputs are finite, those after it are not.
    let step = "--model mlp --epochs 2 --batch 64 --lr 1e30 --schedule constant";
    let arguments: Vec<&str> = ["train"].into_iter().chain(step.split(' ')).collect();
    let places = ["--data-dir", data.path(), "--out", &run];
    refused(&[&arguments[..], &places].concat(), &["epoch 1"]);
    assert!(Path::new(&run).join("settings.json").exists());
    assert!(!Path::new(&run).join("checkpoint-0001").exists());
}

#[test]
fn a_checkpoint_under_another_number_is_refused_by_name() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let [whole, run] = ["whole", "run"].map(|name| path(&folder, name));
    succeeds(&train_arguments(&data, &whole));
    stopped_after(3, &whole, &run);
    let place = |epoch: usize| Path::new(&run).join(format!("checkpoint-000{epoch}"));
    fs::rename(place(3), place(4)).unwrap();
    let resume = ["train", "--resume", "--out", &run];
    refused(&resume, &["checkpoint-0004", "it holds epoch 3"]);
    fs::rename(place(4), place(3)).unwrap();
    succeeds(&resume);
    assert!(weights(&run) == weights(&whole));
}

#[test]
fn a_run_of_another_version_of_the_program_is_refused_by_name() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let [whole, run] = ["whole", "run"].map(|name| path(&folder, name));
    succeeds(&train_arguments(&data, &whole));
    stopped_after(3, &whole, &run);
    let recorded = read_json(&run, "settings.json");
    for (package, words) in [("lfp", "version 0.0.7 with"), ("burn", "with Burn 0.0.7")] {
        let mut earlier = recorded.clone();
        earlier["run"]["versions"][package] = "0.0.7".into();
        write_json(&run, "settings.json", &earlier);
        let resume = ["train", "--resume", "--out", &run];
        refused(
            &resume,
            &["began under", words, "the version that it began with"],
        );
    }
    write_json(&run, "settings.json", &recorded);
    // The checkpoint alone.
    let checkpoint = Path::new(&run).join("checkpoint-0003");
    let state = fs::read_to_string(checkpoint.join("state.json")).unwrap();
    let version = format!("\"{}\"", env!("CARGO_PKG_VERSION"));
    let earlier = state.replace(&version, "\"0.0.7\"");
    assert_ne!(earlier, state);
    fs::write(checkpoint.join("state.json"), &earlier).unwrap();
    let sums = checkpoint.join("SHA256SUMS");
    let sha256 = |text: &str| format!("{:x}", sha2::Sha256::digest(text));
    let before = fs::read_to_string(&sums).unwrap();
    let after = before.replace(&sha256(&state), &sha256(&earlier));
    assert_ne!(after, before);
    fs::write(&sums, after).unwrap();
    let resume = ["train", "--resume", "--out", &run];
    refused(
        &resume,
        &["checkpoint-0003", "another run", "version 0.0.7"],
    );
}

#[test]
fn a_finished_run_reads_its_own_data_and_no_others() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let [run, out] = ["run", "out"].map(|name| path(&folder, name));
    succeeds(&train_arguments(&data, &run));
    // As many classes.
    let others = Digits::new(64, 30);
    let commands = [
        &[
            "prune",
            "--checkpoint",
            &run,
            "--out",
            &out,
            "--rates",
            "0.5",
        ][..],
        &[
            "explain",
            "--checkpoint",
            &run,
            "--out",
            &out,
            "--count",
            "1",
        ],
        &["report", "--run", &run, "--device", "auto"],
    ];
    for command in commands {
        let with = |data: &str| [command, &["--data-dir", data]].concat().join(" ");
        let arguments = with(others.path());
        refused(
            &arguments.split(' ').collect::<Vec<_>>(),
            &["began with", "now 64 and 30", "use the data"],
        );
        assert!(!Path::new(&out).exists());
    }
    for command in commands {
        // The folder that the run began with.
        succeeds(command);
    }
}

#[test]
fn where_weights_lie_is_recorded_whole() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|name| path(&folder, name));
    succeeds(&train_arguments(&data, &first));
    let start = |name: &str| {
        let mut command = Command::new(PROGRAM);
        command.current_dir(folder.path());
        command.args(train_arguments(&data, &second));
        command.args(["--pretrained", name]);
        command.output().unwrap()
    };
    assert!(start("first/final.safetensors").status.success());
    let recorded = read_json(&second, "settings.json");
    let file = recorded["pretrained"]["file"].as_str().unwrap();
    assert!(Path::new(file).is_absolute(), "{file}");
    assert!(file.ends_with("first/final.safetensors"), "{file}");
}

#[test]
fn that_photographs_are_kept_in_memory_is_recorded() {
    let photographs = image_folder(2, 6, 4);
    let root = photographs.path().to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = path(&folder, "run");
    let line = "train --model mlp --dataset folder --image-size 32 --epochs 1 --batch 4 --cache";
    let arguments: Vec<&str> = line.split(' ').collect();
    succeeds(&[&arguments[..], &["--data-dir", root, "--out", &run]].concat());
    assert_eq!(read_json(&run, "settings.json")["run"]["cached"], true);
    let resume = ["train", "--resume", "--out", &run];
    succeeds(&resume);
}

#[test]
fn settings_that_contradict_each_other_in_a_file_are_refused() {
    let data = Digits::new(20, 10);
    let folder = tempfile::tempdir().unwrap();
    let run = path(&folder, "run");
    succeeds(&train_arguments(&data, &run));
    let settings = read_json(&run, "settings.json");
    for (name, value, words) in [
        ("warmup", 0.5.into(), "--warmup has no effect"),
        ("freeze", "fc(".into(), "no regular expression"),
        (
            "spike_reward",
            "at-spikes".into(),
            "--spike-reward has no effect",
        ),
        ("device", "flex,flex".into(), "--devices names flex twice"),
    ] {
        let mut changed = settings.clone();
        changed[name] = value;
        write_json(&run, "settings.json", &changed);
        for command in [
            &["train", "--resume", "--out", &run][..],
            &["prune", "--checkpoint", &run],
            &["report", "--run", &run],
        ] {
            refused(command, &["settings.json", words, "correct the file"]);
        }
    }
}

#[test]
fn a_run_that_cannot_learn_is_an_error_and_one_that_hardly_does_is_warned_of() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let [still, silent, brief] = ["still", "silent", "brief"].map(|name| path(&folder, name));
    let places = |out| ["--data-dir", data.path(), "--out", out];
    // Less than the last bit of any weight.
    let network = ["train", "--model", "mlp", "--lr", "1e-37"];
    refused(
        &[&network[..], &places(&still)].concat(),
        &["the first epoch changed no parameter: nothing can be learned"],
    );
    assert!(!Path::new(&still).join("result.json").exists());

    // No neuron reaches its threshold.
    let network = ["train", "--model", "snn-mlp", "--steps", "2"];
    succeeds(&[&network[..], &["--threshold", "1e6"], &places(&silent)].concat());
    let warnings = read_json(&silent, "result.json")["warnings"].to_string();
    assert!(warnings.contains("layer 3: no neuron fires"), "{warnings}");
    let page = fs::read_to_string(Path::new(&silent).join("report.html")).unwrap();
    assert!(page.contains("layer 3: no neuron fires"));

    // One step, at the lowest learning rate of the schedule.
    let one_step = ["train", "--model", "mlp", "--epochs", "1"];
    let output = program(&[&one_step[..], &places(&brief)].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && said.contains("the schedule has one step"),
        "{said}"
    );
    let warnings = read_json(&brief, "result.json")["warnings"].to_string();
    assert!(warnings.contains("the schedule has one step"), "{warnings}");
}
