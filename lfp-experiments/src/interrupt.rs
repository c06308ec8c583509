//! Ctrl-C: the first one asks the program to stop at the next batch, and says how to go on; a second one ends it at once.
//!
//! Nothing depends on stopping gently: a run or study that is killed goes on just as well. It leaves fewer temporary files.

use std::{
    io::Write,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::text::escaped;

/// Exit code of a program that was interrupted: 128 and the number of the signal, as in shells.
pub const INTERRUPTED: u8 = 130;

static REQUESTED: AtomicBool = AtomicBool::new(false);
/// How to go on with what is being done; `None` if it just begins again.
static HOW_TO_GO_ON: Mutex<Option<String>> = Mutex::new(None);

/// The user asked the program to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// Handles Ctrl-C from now on. Where that is not possible, it ends the program as usual.
pub fn install_handler() {
    #[cfg(unix)]
    {
        use signal_hook::{consts::SIGINT, iterator::Signals};

        match Signals::new([SIGINT]) {
            Ok(mut signals) => {
                // Without the thread, the signal has no effect at all.
                let thread = std::thread::Builder::new()
                    .spawn(move || signals.forever().for_each(|_| on_signal()));
                if let Err(error) = thread {
                    tracing::debug!("Ctrl-C is not handled: {error}");
                }
            }
            Err(error) => tracing::debug!("Ctrl-C is not handled: {error}"),
        }
    }
}

#[cfg(unix)]
fn on_signal() {
    let how = HOW_TO_GO_ON.lock().unwrap_or_else(PoisonError::into_inner);
    let again = REQUESTED.swap(true, Ordering::SeqCst);
    let Some(how) = how.as_ref().filter(|_| !again) else {
        say("interrupted");
        std::process::exit(INTERRUPTED.into());
    };
    say(&format!("interrupted; {how}"));
}

/// Standard error may be closed.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", escaped(text));
}

/// Whether the user asked the program to stop.
pub fn is_requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}

/// Stops here if the user asked for it.
///
/// # Errors
///
/// [`Interrupted`].
pub fn check() -> Result<(), Interrupted> {
    match is_requested() {
        true => Err(Interrupted),
        false => Ok(()),
    }
}

/// Until it is dropped, the program stops gently, and says how to go on.
#[derive(Debug)]
#[must_use]
pub struct Resumable(Option<String>);

impl Resumable {
    /// `how` completes the line `interrupted; ...`.
    pub fn new(how: String) -> Self {
        let mut known = HOW_TO_GO_ON.lock().unwrap_or_else(PoisonError::into_inner);
        Self(known.replace(how))
    }
}

impl Drop for Resumable {
    fn drop(&mut self) {
        let mut known = HOW_TO_GO_ON.lock().unwrap_or_else(PoisonError::into_inner);
        *known = self.0.take();
    }
}
