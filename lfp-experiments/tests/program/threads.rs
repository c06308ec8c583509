//! Threads that cannot be started: a part of the program that needs one ends it with a line.

use std::{
    process::{Command, Stdio},
    thread,
};

use burn::tensor::{Device, Int, Tensor};
use lfp_experiments::{
    data::Batch,
    objective::{Method, Objective},
    study::Progress,
    train::{EpochError, Sharing, train_epoch},
};
use lfp_models::{Model, NetworkConfig, initialized};

use super::{Digits, PROGRAM, path};

/// Address space of a thread's stack in bytes.
const STACK: u64 = 2_000_000_000;

#[test]
fn a_person_is_not_asked_if_nobody_can_listen() {
    let data = Digits::new(40, 20);
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "round");
    // With Ctrl-C ignored, one thread computes and one listens. There is room for the program and the stack of the first.
    let line = format!(
        "trap '' INT; ulimit -v {}; exec \"$0\" \"$@\"",
        (STACK + STACK / 2) / 1024
    );
    let places = ["--data-dir", data.path(), "--out", &out];
    let ended = Command::new("sh")
        .args(["-c", &line, PROGRAM, "demo", "verdict"])
        .args(places)
        .args(["--verdicts", "20"])
        .env("RUST_MIN_STACK", STACK.to_string())
        .env("RAYON_NUM_THREADS", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    let reason = "cannot start the thread that reads the answers: ";
    assert!(said.contains(reason), "{said}");
    assert!(ended.stdout.is_empty(), "no digit is shown");
}

/// Whether this process can start no thread with a stack of the usual size. If it can, another process does the `test`.
fn is_without_threads(test: &str) -> bool {
    // No address space has room for such a stack.
    let (variable, stack) = ("RUST_MIN_STACK", (1_u64 << 60).to_string());
    if std::env::var(variable).as_ref() == Ok(&stack) {
        return true;
    }
    let ended = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--test-threads", "1"])
        .arg(format!("threads::{test}"))
        .env(variable, &stack)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(
        ended.status.success() && said.contains("1 passed"),
        "{said}"
    );
    false
}

#[test]
fn a_progress_bar_without_a_thread_is_drawn_when_there_is_progress() {
    if !is_without_threads("a_progress_bar_without_a_thread_is_drawn_when_there_is_progress") {
        return;
    }
    assert!(thread::Builder::new().spawn(|| ()).is_err());
    let runs = [("a.json", 3.0), ("b.json", 4.0)];
    let runs = runs.map(|(name, seconds)| (name.into(), seconds));
    let progress = Progress::of_all(5, runs.into());
    progress.begin("fig3");
    progress.finish();
}

#[test]
fn a_device_without_a_thread_ends_the_epoch() {
    if !is_without_threads("a_device_without_a_thread_ends_the_epoch") {
        return;
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    pool.stack_size(1 << 21).build_global().unwrap();
    let device = Device::default().autodiff();
    let config = NetworkConfig::new([1, 16, 16], 10);
    let network = initialized(Model::LENET.init(&config, &device).unwrap());
    let batch = Batch {
        inputs: Tensor::ones([4, 1, 16, 16], &device),
        targets: Tensor::<1, Int>::arange(0..4, &device),
    };
    let objective = Objective::of(Method::Lfp);
    let on = |devices: usize| {
        let sharing = Sharing {
            devices: vec![device.clone(); devices],
            passes: 1,
        };
        let batches = std::iter::once(Ok(batch.clone()));
        train_epoch(
            network.clone(),
            &objective,
            &sharing,
            batches,
            |network, _| network,
        )
    };
    assert!(on(1).is_ok(), "the first device needs no thread");
    let error = on(3).expect_err("threads for two more");
    assert!(matches!(error, EpochError::Sharing(_)), "{error}");
    let said = error.to_string();
    assert!(
        said.contains("3 devices") && said.contains("--devices"),
        "{said}"
    );
}
