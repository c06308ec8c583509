//! Threads that cannot be started: a part of the program that needs one ends it with a line.

use std::{
    path::Path,
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

use super::{Digits, PROGRAM, path, refusal, stalled::require_ctrl_c, train_arguments};

/// Address space in bytes, beside what the program takes for some stacks of 200 MB.
const STACKS: u64 = 1_500_000_000;

/// The program in an address space of `space` bytes, with stacks of `stack` bytes for its threads, after a line of the shell.
///
/// Stacks have to be large: where one just fits, but not the small one that Rust's runtime puts beside it for signals, the
/// runtime ends the program.
fn with_little_address_space(first: &str, space: u64, stack: u64) -> Command {
    let line = format!("{first} ulimit -v {}; exec \"$0\" \"$@\"", space / 1024);
    let mut command = Command::new("sh");
    command
        .args(["-c", &line, PROGRAM])
        .env("RUST_MIN_STACK", stack.to_string());
    command
}

#[test]
fn threads_that_cannot_be_started_are_named_before_any_work() {
    require_ctrl_c();
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let run = path(&folder, "run");
    let refused_with = |stack: u64, words: &str| {
        let mut command = with_little_address_space("", STACKS, stack);
        command
            .args(train_arguments(&data, &run))
            .env("RAYON_NUM_THREADS", "100");
        let said = refusal(&command.output().unwrap());
        assert!(said.contains(words), "{said}");
        assert!(!Path::new(&run).exists());
    };
    // Not even the first.
    refused_with(4_000_000_000, "cannot handle Ctrl-C");
    // Not all.
    refused_with(200_000_000, "cannot start the threads of the computation");
}

#[test]
fn readers_that_cannot_be_started_end_a_run_with_a_message() {
    let data = Digits::new(64, 20);
    let folder = tempfile::tempdir().unwrap();
    let run = path(&folder, "run");
    let mut command = with_little_address_space("", STACKS, 200_000_000);
    command
        .args(train_arguments(&data, &run))
        .env("RAYON_NUM_THREADS", "1")
        .args(["--workers", "1024"]);
    let said = refusal(&command.output().unwrap());
    assert!(said.contains("cannot start 1024 threads"), "{said}");
    assert!(!Path::new(&run).join("final.safetensors").exists());
}

#[test]
fn a_person_is_not_asked_if_nobody_can_listen() {
    let data = Digits::new(40, 20);
    let folder = tempfile::tempdir().unwrap();
    let out = path(&folder, "round");
    let stack = 2_000_000_000;
    // With Ctrl-C ignored, one thread computes and one listens. There is room for the program and the stack of the first.
    let mut command = with_little_address_space("trap '' INT;", stack + stack / 2, stack);
    let ended = command
        .args(["demo", "verdict", "--verdicts", "20"])
        .args(["--data-dir", data.path(), "--out", &out])
        .env("RAYON_NUM_THREADS", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = refusal(&ended);
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
fn a_progress_bar_without_a_thread_does_not_end_the_program() {
    if !is_without_threads("a_progress_bar_without_a_thread_does_not_end_the_program") {
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
