//! One figure among several: what goes wrong with it does not stop the others.

use anyhow::{Result, anyhow};

use crate::panics;

/// Does something, and turns a panic into an error.
///
/// After a panic nothing is used again but the journal, which is a folder of whole files, and the progress bar.
pub(super) fn attempt<T>(action: impl FnOnce() -> Result<T>) -> Result<T> {
    panics::contained(action).unwrap_or_else(|message| Err(anyhow!("panicked: {message}")))
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
