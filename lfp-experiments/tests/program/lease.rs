//! A file that another process waits for when it opens it, without being a pipe.

use std::{fs::File, io, os::fd::AsRawFd, path::Path};

/// A lease on a file: until it is dropped, or for as long as the system allows (45 seconds by default), whoever opens the file
/// waits.
pub(crate) struct Lease {
    _file: File,
}

impl Lease {
    /// # Errors
    ///
    /// If the file system has no leases, or a process has the file open.
    #[expect(unsafe_code, reason = "fcntl is a system call")]
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        /// Of Linux: which signal says that another process waits.
        const F_SETSIG: libc::c_int = 10;
        let file = File::open(path)?;
        let set = |command, value: libc::c_int| {
            // SAFETY: both commands take a number, and the descriptor is open.
            match unsafe { libc::fcntl(file.as_raw_fd(), command, value) } {
                -1 => Err(io::Error::last_os_error()),
                _ => Ok(()),
            }
        };
        // The usual signal, SIGIO, would end this process; this one is ignored.
        set(F_SETSIG, libc::SIGURG)?;
        set(libc::F_SETLEASE, libc::F_WRLCK)?;
        Ok(Self { _file: file })
    }
}
