//! A device of another process, by Burn's own server.

use std::process::Child;

use super::*;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cases");

/// The program as a server, until the test ends.
struct Server {
    process: Child,
    /// `remote:IP:PORT`
    device: String,
}

impl Server {
    fn start() -> Self {
        let mut process = Command::new(PROGRAM)
            .args(["serve", "--listen", "127.0.0.1:0", "--device", "flex"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = process.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let device = line.trim().strip_prefix("flex at --device ");
        let device = device.unwrap_or_else(|| panic!("the server said: {line}"));
        Self {
            process,
            device: device.to_owned(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn every_conformance_case_passes_on_a_server() {
    let server = Server::start();
    // A case that differs is exit code 1.
    succeeds(&["conformance", CASES, "--device", &server.device]);
}

#[test]
fn a_run_on_a_server_is_a_run_like_any_other() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let digits = Digits::new(200, 100);
    let accuracy = |device: &str| {
        let out = path(&folder, "run");
        let said = succeeds(&[
            "train",
            "--data-dir",
            digits.path(),
            "--epochs",
            "2",
            "--lr",
            "0.05",
            "--batch",
            "20",
            "--seed",
            "1",
            "--device",
            device,
            "--out",
            &out,
        ]);
        fs::remove_dir_all(out).unwrap();
        let (_, rest) = said.split_once("test accuracy ").unwrap();
        rest.split_once('%').unwrap().0.parse::<f64>().unwrap()
    };
    assert!(accuracy(&server.device) > 50.0);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let arguments = ["conformance", CASES, "--device", "remote:127.0.0.1:1"];
    refused(&arguments, &["remote:127.0.0.1:1"]);
}
