//! One figure among several: what goes wrong with it does not stop the others.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use anyhow::{Result, anyhow};

/// Does something, and turns a panic into an error.
pub(super) fn attempt<T>(action: impl FnOnce() -> Result<T>) -> Result<T> {
    // After a panic nothing is used again but the journal, which is a folder of whole files, and the progress bar.
    match catch_unwind(AssertUnwindSafe(action)) {
        Ok(result) => result,
        Err(panic) => Err(anyhow!("panicked: {}", message(panic.as_ref()))),
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_message() {
        let name = "fig3";
        let failed = attempt::<()>(|| panic!("{name} is broken")).unwrap_err();
        assert_eq!(failed.to_string(), "panicked: fig3 is broken");
        let failed = attempt::<()>(|| panic!("broken")).unwrap_err();
        assert_eq!(failed.to_string(), "panicked: broken");
        assert_eq!(attempt(|| Ok(3)).unwrap(), 3);
        assert_eq!(
            attempt::<()>(|| Err(anyhow!("no data")))
                .unwrap_err()
                .to_string(),
            "no data"
        );
    }
}
