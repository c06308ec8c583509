//! Kills at system calls that change the disk: the short form of `tests/crash/kill.py`.

#![cfg(target_os = "linux")]

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use super::{PROGRAM, path, program, succeeds, weights};

/// The calls that Linux has on this machine.
const MKDIR: &str = "?mkdir,?mkdirat";
const RENAME: &str = "?rename,?renameat,?renameat2";
const UNLINK: &str = "?unlink,?unlinkat";

/// Generated points, in a few short epochs.
const RUN: &str = "--model mlp-toy --dataset blobs --epochs 3 --batch 200 --lr 0.01 --device flex";

fn arguments(out: &str) -> Vec<&str> {
    let run = ["train"].into_iter().chain(RUN.split(' '));
    run.chain(["--out", out]).collect()
}

fn has_strace() -> bool {
    let found = Command::new("strace").arg("-V").output();
    found.is_ok_and(|output| output.status.success())
}

#[test]
fn a_run_that_is_killed_where_it_changes_the_disk_ends_with_the_same_weights() {
    if !has_strace() {
        eprintln!("SKIPPED: strace, which kills a process at a system call, is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let whole = path(&folder, "whole");
    succeeds(&arguments(&whole));
    let probe = traced("?rename", 1, &["--version"]);
    if !probe.status.success() {
        let said = String::from_utf8_lossy(&probe.stderr);
        eprintln!("SKIPPED: strace may not trace here: {said}");
        return;
    }
    // The first of each kind, and some in the middle of an epoch's checkpoint, best weights and metrics.
    let kills = [
        (MKDIR, 1),
        (RENAME, 1),
        (RENAME, 2),
        (RENAME, 4),
        ("fsync", 1),
        ("fsync", 9),
        ("fsync", 24),
        ("unlinkat", 1),
    ];
    let mut cleanings = 0;
    for (call, number) in kills {
        let run = path(&folder, &format!("{}-{number}", call.replace('?', "")));
        is_killed(&traced(call, number, &arguments(&run)));
        let resume = ["train", "--resume", "--out", &run];
        if has_begun(&run) && left(&run).any(|left| left.is_file()) {
            // And once more, where the resumed run removes what is left of a file.
            is_killed(&traced(UNLINK, 1, &resume));
            cleanings += 1;
        }
        let resumed = program(&resume);
        let said = String::from_utf8_lossy(&resumed.stderr).into_owned();
        match said.contains("no run to resume") {
            true => {
                assert!(!has_begun(&run), "{call} {number}: {said}");
                succeeds(&arguments(&run));
            }
            false => assert!(resumed.status.success(), "{call} {number}: {said}"),
        }
        assert!(weights(&run) == weights(&whole), "{call} {number}");
        assert_eq!(left(&run).count(), 0, "{call} {number}");
    }
    assert!(cleanings > 0, "no kill left a file behind");
}

/// Runs the program, and kills it at the call with this number, of the first thread.
fn traced(call: &str, number: usize, arguments: &[&str]) -> Output {
    let inject = format!("inject={call}:signal=KILL:when={number}");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e", &inject, PROGRAM]);
    strace.args(arguments).output().unwrap()
}

/// strace ends as the program did.
#[track_caller]
fn is_killed(ended: &Output) {
    use std::os::unix::process::ExitStatusExt;

    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.signal(), Some(9), "{:?}: {said}", ended.status);
}

fn has_begun(run: &str) -> bool {
    Path::new(run).join("settings.json").exists()
}

/// What was not finished in the folder of a run, if there is one.
fn left(run: &str) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(run).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|of| of == "tmp"))
}
