//! A process that stands still where it prints its first line, so that a test decides what happens meanwhile.

use std::{
    io::{BufRead, BufReader, PipeReader, Read, Write},
    path::Path,
    process::{Child, ChildStderr, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

/// A process whose standard output is a full pipe.
pub(crate) struct Stalled {
    process: Child,
    said: BufReader<ChildStderr>,
    output: PipeReader,
    is_released: Arc<AtomicBool>,
}

impl Stalled {
    /// Starts a process, and waits until it has written `file`.
    pub(crate) fn after(mut command: Command, file: &Path) -> Self {
        let (output, writer) = std::io::pipe().unwrap();
        let mut filling = writer.try_clone().unwrap();
        let is_released = Arc::new(AtomicBool::new(false));
        let released = is_released.clone();
        // Whole pages leave no room. It ends when the reader is dropped, too.
        thread::spawn(
            move || while !released.load(SeqCst) && filling.write_all(&[b'\n'; 4096]).is_ok() {},
        );
        command.stdout(writer).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let said = BufReader::new(process.stderr.take().unwrap());
        let mut stalled = Self {
            process,
            said,
            output,
            is_released,
        };
        stalled.wait_for(file);
        stalled
    }

    /// Waits until the process has written `file`.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, file: &Path) {
        while !file.exists() {
            let ended = self.process.try_wait().unwrap();
            assert_eq!(ended, None, "it ended before it wrote {}", file.display());
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Presses Ctrl-C.
    #[track_caller]
    pub(crate) fn interrupt(&self) {
        require_ctrl_c();
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
        assert!(sent.success());
    }

    /// The next line on standard error.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line
    }

    /// Lets the process print.
    pub(crate) fn release(&mut self) {
        self.is_released.store(true, SeqCst);
        let mut output = self.output.try_clone().unwrap();
        thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    }

    /// Waits for the end. Returns the exit code, and what is left on standard error.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.said.read_to_string(&mut said).unwrap();
        (self.process.wait().unwrap().code(), said)
    }
}

/// Fails where Ctrl-C is ignored: a shell has that ignored by what it starts in the background, and a test would wait for ever.
#[track_caller]
pub(crate) fn require_ctrl_c() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut lines = status.lines();
    let ignored = lines.find_map(|line| line.strip_prefix("SigIgn:"));
    let signals = ignored.and_then(|signals| u64::from_str_radix(signals.trim(), 16).ok());
    // Signal 2.
    let is_ignored = signals.is_some_and(|signals| signals & 2 != 0);
    assert!(
        !is_ignored,
        "Ctrl-C is ignored here: run the tests in the foreground"
    );
}
