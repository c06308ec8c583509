//! Kills at system calls that change the disk: the short form of `tests/crash/kill.py`.

use std::{path::Path, process::Command};

use super::{PROGRAM, path, program, succeeds, weights};

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
#[cfg(target_os = "linux")]
fn a_run_that_is_killed_where_it_changes_the_disk_ends_with_the_same_weights() {
    if !has_strace() {
        eprintln!("SKIPPED: strace, which kills a process at a system call, is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let whole = path(&folder, "whole");
    succeeds(&arguments(&whole));
    // The first of each kind, and some in the middle of an epoch's checkpoint, best weights and metrics.
    let kills = [
        ("mkdir", 1),
        ("rename", 1),
        ("rename", 2),
        ("rename", 4),
        ("fsync", 1),
        ("fsync", 9),
        ("fsync", 24),
        ("unlink", 1),
        ("unlinkat", 1),
    ];
    for (call, number) in kills {
        let killed = path(&folder, &format!("{call}-{number}"));
        let inject = format!("inject={call}:signal=KILL:when={number}");
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-o", "/dev/null", "-e", &inject, PROGRAM]);
        let ended = strace.args(arguments(&killed)).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        if said.contains("ptrace") || said.contains("Operation not permitted") {
            eprintln!("SKIPPED: strace may not trace here: {said}");
            return;
        }
        if ended.status.success() {
            // It makes fewer such calls.
            succeeds(&["train", "--resume", "--out", &killed]);
        } else {
            let resumed = program(&["train", "--resume", "--out", &killed]);
            let said = String::from_utf8_lossy(&resumed.stderr).into_owned();
            match said.contains("no run to resume") {
                true => drop(succeeds(&arguments(&killed))),
                false => assert!(resumed.status.success(), "{call} {number}: {said}"),
            }
        }
        assert!(weights(&killed) == weights(&whole), "{call} {number}");
        let left = std::fs::read_dir(Path::new(&killed)).unwrap().flatten();
        let left = left.filter(|entry| entry.path().extension().is_some_and(|of| of == "tmp"));
        assert_eq!(left.count(), 0, "{call} {number}");
    }
}
