//! Standard output. It may be full or closed, which ends the program with a message instead of a panic.

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

/// Prints several lines as they are.
///
/// # Errors
///
/// If standard output is full or closed.
pub(crate) fn lines(text: impl Display) -> Result<(), OutputError> {
    write(&text.to_string())
}

fn write(text: &str) -> Result<(), OutputError> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
