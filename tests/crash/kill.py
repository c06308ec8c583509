#!/usr/bin/env python3
"""Kills a training run at every system call that changes the disk, and checks that it resumes to the same weights.

    tests/crash/kill.py target/debug/lfp-experiments [--calls rename,fsync] [--every 1] [--limit 0]

Needs Linux and strace. For each system call NAME and N = 1, 2, ... the run is started afresh and killed at the N-th call
(`strace -e inject=NAME:signal=KILL:when=N`), resumed with `--resume` and no other option, killed again at its N-th call,
and resumed to the end. It ends when a run makes fewer than N calls. Exit code 1 if any run ends with other weights.
"""

import argparse
import hashlib
import pathlib
import shutil
import subprocess
import sys
import tempfile

# Every way to rename, flush, remove, create and lock.
CALLS = "rename,renameat,renameat2,fsync,fdatasync,unlink,unlinkat,rmdir,mkdir,flock"
FILES = "trace=rename,renameat,renameat2,fsync,fdatasync,unlink,unlinkat,rmdir,mkdir,flock"
# Points that are generated, in a few short epochs.
RUN = ["--model", "mlp-toy", "--dataset", "blobs", "--epochs", "3", "--batch", "200", "--lr", "0.01", "--device", "flex"]
TIMEOUT = 120


def run(command):
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)


def killed(program, arguments, call, number):
    """Runs the program; True if the injected signal killed it."""
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", FILES]
    inject = ["-e", f"inject={call}:signal=KILL:when={number}"]
    ended = run(strace + inject + [program, "train", *arguments])
    return ended.returncode not in (0, 2), ended


def digest(folder):
    return hashlib.sha256((folder / "final.safetensors").read_bytes()).hexdigest()


def finish(program, folder):
    """Resumes a run as its user would."""
    ended = run([program, "train", "--resume", "--out", str(folder)])
    if ended.returncode == 2 and "no run to resume" in ended.stderr:
        # It was killed before it began.
        ended = run([program, "train", *RUN, "--out", str(folder)])
    return ended


def attempt(program, root, call, number, expected):
    """Returns whether the call was reached, and what is wrong, if anything."""
    folder = root / f"{call}-{number}"
    fresh, _ = killed(program, [*RUN, "--out", str(folder)], call, number)
    if fresh and folder.exists() and any(folder.iterdir()):
        # With all options, because the run may not have begun.
        killed(program, ["--resume", *RUN, "--out", str(folder)], call, number)
    ended = finish(program, folder)
    problem = None
    if ended.returncode != 0:
        problem = f"exit code {ended.returncode}: {ended.stderr.strip()}"
    elif digest(folder) != expected:
        problem = "other weights"
    elif left := [entry.name for entry in folder.iterdir() if entry.name.endswith(".tmp")]:
        problem = f"left behind: {left}"
    shutil.rmtree(folder, ignore_errors=True)
    return fresh, problem


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--calls", default=CALLS)
    parser.add_argument("--every", type=int, default=1, help="try each K-th call only")
    parser.add_argument("--limit", type=int, default=0, help="calls of each name to try; 0 for all")
    options = parser.parse_args()
    program = str(pathlib.Path(options.program).resolve())
    if shutil.which("strace") is None:
        sys.exit("strace is missing: apt-get install strace")
    kills, problems = 0, []
    with tempfile.TemporaryDirectory() as root:
        root = pathlib.Path(root)
        whole = root / "whole"
        ended = run([program, "train", *RUN, "--out", str(whole)])
        if ended.returncode != 0:
            sys.exit(f"the run fails without a kill: {ended.stderr}")
        expected = digest(whole)
        for call in options.calls.split(","):
            number, of_call = 1, 0
            while not options.limit or of_call < options.limit:
                reached, problem = attempt(program, root, call, number, expected)
                if problem:
                    problems.append(f"{call} {number}: {problem}")
                    print(problems[-1], flush=True)
                if not reached:
                    break
                of_call += 1
                number += options.every
            kills += of_call
            print(f"{call}: killed at {of_call} calls", flush=True)
    print(f"{kills} calls, {len(problems)} problems")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
