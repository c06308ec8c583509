//! Panics: faults of the program. One line says what happened and where to report it; the exit code is 101.

use std::{
    any::Any,
    cell::Cell,
    io::Write,
    panic::{self, AssertUnwindSafe, PanicHookInfo},
};

/// Where a fault is reported.
const REPORT: &str = "please report this line and the command to the authors of lfp-experiments";

thread_local! {
    /// Whether a panic of this thread becomes an error.
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Prints panics in one line, except those that become errors.
pub fn install_hook() {
    panic::set_hook(Box::new(|info| {
        if !CONTAINED.get() {
            // Standard error may be closed.
            let _ = writeln!(std::io::stderr(), "{}", line(info));
        }
    }));
}

fn line(info: &PanicHookInfo) -> String {
    let message = crate::text::escaped(message(info.payload()));
    match info.location() {
        Some(place) => format!("fault of the program: {message} ({place}); {REPORT}"),
        None => format!("fault of the program: {message}; {REPORT}"),
    }
}

/// Does something, and returns the message of a panic.
///
/// # Errors
///
/// The message of the panic.
pub(crate) fn contained<T>(action: impl FnOnce() -> T) -> Result<T, String> {
    let before = CONTAINED.replace(true);
    // What a panic leaves half changed is not used again.
    let result = panic::catch_unwind(AssertUnwindSafe(action));
    CONTAINED.set(before);
    result.map_err(|panic| message(panic.as_ref()).to_owned())
}

/// The message of a panic.
pub(crate) fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contained_panic_is_an_error_with_its_message() {
        let name = "fig3";
        assert_eq!(contained(|| 3), Ok(3));
        let failed = contained(|| panic!("{name} is broken"));
        assert_eq!(failed, Err::<(), _>("fig3 is broken".to_owned()));
        let failed = contained(|| contained(|| panic!("within")));
        assert_eq!(failed, Ok(Err::<(), _>("within".to_owned())));
    }
}
