//! A person at the terminal.

use std::{
    io::{self, BufRead, IsTerminal},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use anyhow::{Result, anyhow, bail};

use super::{Digits, Judge, Verdict};
use crate::{interrupt, output};

/// From dark to bright.
const INK: [char; 6] = [' ', '.', ':', '+', '#', '@'];
/// How often Ctrl-C is looked for while a line is awaited.
const PATIENCE: Duration = Duration::from_millis(50);
const QUESTION: &str = "u (right), d (wrong), s (skip) or q (leave), then Enter:";

pub(super) struct Person {
    lines: Receiver<io::Result<String>>,
    /// Lines that were read.
    read: usize,
}

enum Said {
    Verdict(Verdict),
    Leave,
}

impl Person {
    /// Reads standard input in a thread of its own, so that Ctrl-C need not wait for a line.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started.
    pub(super) fn new() -> Result<Self> {
        let (sender, lines) = mpsc::channel();
        let reader = move || {
            let lines = io::stdin().lock().lines();
            lines
                .map(|line| sender.send(line))
                .take_while(Result::is_ok)
                .for_each(drop);
        };
        let started = thread::Builder::new().spawn(reader);
        started
            .map_err(|error| anyhow!("cannot start the thread that reads the answers: {error}"))?;
        Ok(Self { lines, read: 0 })
    }

    /// The next line; `None` at the end of the input or after Ctrl-C.
    fn line(&mut self) -> Result<Option<String>> {
        loop {
            if interrupt::is_requested() {
                return Ok(None);
            }
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.read += 1;
                    return match line {
                        Ok(line) => Ok(Some(line)),
                        Err(error) => bail!(
                            "line {} of the input cannot be read: {error}; expected u, d, s or q",
                            self.read
                        ),
                    };
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
    }
}

fn understand(line: &str) -> Option<Said> {
    Some(match line.trim().to_lowercase().as_str() {
        "u" | "up" | "y" | "yes" | "+" => Said::Verdict(Verdict::Up),
        "d" | "down" | "n" | "no" | "-" => Said::Verdict(Verdict::Down),
        "s" | "skip" => Said::Verdict(Verdict::Skip),
        "q" | "quit" => Said::Leave,
        _ => return None,
    })
}

impl Judge for Person {
    fn judge(&mut self, digits: &Digits, image: usize, guess: usize) -> Result<Option<Verdict>> {
        output::lines(drawn(digits, image))?;
        output::line(format_args!("a {guess}? {QUESTION}"))?;
        while let Some(line) = self.line()? {
            match understand(&line) {
                Some(Said::Verdict(verdict)) => return Ok(Some(verdict)),
                Some(Said::Leave) => return Ok(None),
                None if io::stdin().is_terminal() => output::line(QUESTION)?,
                // What a file says wrong, nobody can correct.
                None => bail!(
                    "line {} of the input is \"{}\", no verdict: expected u, d, s or q; or let --oracle answer",
                    self.read,
                    line.trim()
                ),
            }
        }
        Ok(None)
    }

    fn is_dear(&self) -> bool {
        true
    }
}

/// The image in characters, which are twice as high as wide.
fn drawn(digits: &Digits, image: usize) -> String {
    let [_, height, width] = digits.shape;
    let pixels = &digits.pixels(image)[..height * width];
    let (dark, bright) = pixels
        .iter()
        .fold((f32::MAX, f32::MIN), |(dark, bright), &pixel| {
            (dark.min(pixel), bright.max(pixel))
        });
    let ink = |pixel: f32| {
        let share = (pixel - dark) / (bright - dark).max(f32::EPSILON);
        INK[((share * INK.len() as f32) as usize).min(INK.len() - 1)]
    };
    let rows = pixels.chunks(2 * width).map(|rows| {
        let (upper, lower) = rows.split_at(width);
        let lower = if lower.is_empty() { upper } else { lower };
        let pairs = upper.iter().zip(lower);
        pairs
            .map(|(upper, lower)| ink((upper + lower) / 2.0))
            .collect::<String>()
            + "\n"
    });
    rows.collect()
}
