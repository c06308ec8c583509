//! Ctrl-C: the first one asks the program to stop at the next batch, and says how to go on; a second one ends it at once.
//!
//! Nothing depends on stopping gently: a run or study that is killed goes on just as well. It leaves fewer temporary files.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use crate::output::say;

/// Exit code of a program that was interrupted: 128 and the number of the signal, as in shells.
pub const INTERRUPTED: u8 = 130;

static REQUESTED: AtomicBool = AtomicBool::new(false);
/// How to go on with what is being done; `None` if it just begins again.
static HOW_TO_GO_ON: Mutex<Option<String>> = Mutex::new(None);

/// The user asked the program to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// Handles Ctrl-C from now on, unless the parent had it ignored, as `nohup` and shells do for programs in the background.
/// Outside Unix it ends the program as usual.
///
/// # Errors
///
/// If it cannot be handled: the signal would have no effect at all without its thread.
pub fn install_handler() -> std::io::Result<()> {
    #[cfg(unix)]
    if !is_ignored() {
        use signal_hook::{consts::SIGINT, iterator::Signals};

        let mut signals = Signals::new([SIGINT])?;
        std::thread::Builder::new().spawn(move || signals.forever().for_each(|_| on_signal()))?;
    }
    Ok(())
}

#[cfg(unix)]
#[expect(unsafe_code, reason = "sigaction is a system call")]
fn is_ignored() -> bool {
    let mut present = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: without a new action, the call changes nothing but `present`, which it fills if it succeeds.
    unsafe {
        let done = libc::sigaction(libc::SIGINT, std::ptr::null(), present.as_mut_ptr()) == 0;
        done && present.assume_init().sa_sigaction == libc::SIG_IGN
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

    /// Says another way from now on.
    pub fn now(&self, how: String) {
        let mut known = HOW_TO_GO_ON.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(how);
    }
}

impl Drop for Resumable {
    fn drop(&mut self) {
        let mut known = HOW_TO_GO_ON.lock().unwrap_or_else(PoisonError::into_inner);
        *known = self.0.take();
    }
}
