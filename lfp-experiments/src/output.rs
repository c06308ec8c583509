//! Standard output and standard error. Standard output may be full or closed, which ends the program with a message instead
//! of a panic.

use std::{fmt::Display, io::Write};

use crate::text::escaped;

/// Standard output cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output: {0}; files that were written are complete")]
pub struct OutputError(#[from] std::io::Error);

/// Prints a line. Control characters are escaped.
///
/// # Errors
///
/// If standard output is full or closed.
pub(crate) fn line(text: impl Display) -> Result<(), OutputError> {
    write(&(escaped(&text.to_string()) + "\n"))
}

/// Prints several lines. Other control characters are escaped.
///
/// # Errors
///
/// If standard output is full or closed.
pub(crate) fn lines(text: impl Display) -> Result<(), OutputError> {
    write(&escaped_lines(&text.to_string()))
}

fn escaped_lines(text: &str) -> String {
    text.lines().map(|line| escaped(line) + "\n").collect()
}

/// Writes a line to standard error, which may be closed. Control characters are escaped.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", escaped(text));
}

fn write(text: &str) -> Result<(), OutputError> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_cannot_control_the_terminal() {
        assert_eq!(escaped_lines("a\n\nb\u{1b}[31m\n"), "a\n\nb\\u{1b}[31m\n");
        assert_eq!(escaped_lines("no end"), "no end\n");
    }
}
