//! Damaged files: nothing panics, and nothing takes much memory.

use std::{
    fs, panic,
    path::{Path, PathBuf},
    process::Command,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

#[path = "../fuzz/targets.rs"]
mod targets;

/// Mutations of each file of the corpus.
const MUTATIONS: u64 = 200;
/// Files of the corpus that are refused as they are.
const REFUSED: [&str; 1] = ["header"];
/// Environment variable that names the target to run.
const TARGET: &str = "LFP_DAMAGED_TARGET";

/// The address space in KiB that a target may take. The program itself takes about 60 MB.
fn limit(target: &str) -> usize {
    match target {
        // An image of the largest size that is read takes 512 MiB, and as much again while its colours are converted.
        "image" => 1_600_000,
        // The crate reserves what the header of a page says, in 32 bits.
        "parquet" => 2_500_000,
        _ => 320_000,
    }
}

/// The files of a target, by name.
fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|_| panic!("no corpus of {target}"));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| (path.clone(), fs::read(path).unwrap());
    paths.into_iter().map(read).collect()
}

/// Changes a file in one to four places.
fn mutate(content: &[u8], rng: &mut StdRng) -> Vec<u8> {
    let mut content = content.to_vec();
    for _ in 0..rng.random_range(1..=4) {
        let length = content.len();
        if length == 0 {
            return content;
        }
        let at = rng.random_range(0..length);
        // Formats have most of their structure at the start.
        let at = if rng.random_bool(0.5) {
            at % 64.min(length)
        } else {
            at
        };
        let end = rng.random_range(at..=length.min(at + 64));
        match rng.random_range(0..8) {
            0 => content[at] ^= 1 << rng.random_range(0..8),
            1 => content[at] = rng.random(),
            2 => content[at] = [0, 1, 0x7f, 0x80, 0xff][rng.random_range(0..5)],
            3 => content.truncate(at),
            4 => drop(content.drain(at..end)),
            5 => {
                let copy = content[at..end].to_vec();
                content.splice(at..at, copy);
            }
            6 => {
                let number = [u32::MAX, 1 << 31, i32::MAX as u32, 0][rng.random_range(0..4)];
                let bytes = number.to_be_bytes();
                let places = content[at..].iter_mut().zip(bytes);
                places.for_each(|(place, byte)| *place = byte);
            }
            _ => {
                // Numbers in text.
                let digit = content[at..].iter().position(u8::is_ascii_digit);
                if let Some(digit) = digit {
                    let at = at + digit;
                    content.splice(at..=at, *b"4294967295");
                }
            }
        }
    }
    content
}

#[test]
#[ignore = "started by another test, with little memory"]
fn a_target_reads_or_refuses_every_mutation() {
    let target = std::env::var(TARGET).expect("the name of a target");
    for (path, content) in corpus(&target) {
        let name = path.file_name().unwrap().to_string_lossy();
        let is_read = targets::run(&target, &content);
        assert_eq!(is_read, !REFUSED.contains(&&*name), "{}", path.display());
        for seed in 0..MUTATIONS {
            let mutated = mutate(&content, &mut StdRng::seed_from_u64(seed));
            let run = panic::catch_unwind(|| targets::run(&target, &mutated));
            assert!(
                run.is_ok(),
                "{target}: mutation {seed} of {}",
                path.display()
            );
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn no_damaged_file_panics_or_takes_much_memory() {
    for (target, _) in targets::TARGETS {
        let line = format!("ulimit -v {}; exec \"$0\" \"$@\"", limit(target));
        let mut command = Command::new("sh");
        command
            .args(["-c", &line])
            .arg(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "--test-threads", "1"])
            .arg("damaged::a_target_reads_or_refuses_every_mutation")
            .env(TARGET, target)
            .env("RAYON_NUM_THREADS", "1")
            .env("MALLOC_ARENA_MAX", "1");
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let end: Vec<&str> = said.lines().rev().take(10).collect();
        assert!(output.status.success(), "{target}: {end:#?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    }
}
