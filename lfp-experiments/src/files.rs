//! Reading and writing files so that a killed process leaves no half of one behind.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use serde::Serialize;
use sha2::{Digest, Sha256};

/// Ending of what is still being written.
pub(crate) const UNFINISHED: &str = "tmp";

/// A file or folder that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path}: {source}", path = path.display())]
pub struct FileError {
    action: &'static str,
    path: PathBuf,
    source: std::io::Error,
}

/// Names file and action in an error.
pub(crate) fn failed<'a>(
    action: &'static str,
    path: &'a Path,
) -> impl FnOnce(std::io::Error) -> FileError + 'a {
    move |source| FileError {
        action,
        path: path.to_owned(),
        source,
    }
}

/// The whole content.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    fs::read(path).map_err(failed("read", path))
}

/// What is in a folder, in no order.
pub(crate) fn list(path: &Path) -> Result<Vec<PathBuf>, FileError> {
    fs::read_dir(path)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(failed("read", path))
}

/// Creates a folder, and those above it.
pub(crate) fn create_folder(path: &Path) -> Result<(), FileError> {
    fs::create_dir_all(path).map_err(failed("create", path))
}

/// Writes a file that is either there in full or not at all, also after a crash.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let unfinished = unfinished(path);
    write_durably(&unfinished, content)?;
    publish(&unfinished, path)
}

/// Writes a file and waits until it is on the disk.
pub(crate) fn write_durably(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let mut file = File::create(path).map_err(failed("write", path))?;
    file.write_all(content).map_err(failed("write", path))?;
    file.sync_all().map_err(failed("write", path))
}

/// Gives a finished file or folder its name.
pub(crate) fn publish(unfinished: &Path, path: &Path) -> Result<(), FileError> {
    fs::rename(unfinished, path).map_err(failed("write", path))?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// The name of `path` while it is being written.
pub(crate) fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(UNFINISHED);
    name.into()
}

/// Waits until renames in a folder are on the disk. Only Unix can open a folder for that.
pub(crate) fn sync_folder(path: &Path) -> Result<(), FileError> {
    if cfg!(unix) {
        let sync = |folder: File| folder.sync_all();
        File::open(path)
            .and_then(sync)
            .map_err(failed("write", path))?;
    }
    Ok(())
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(content: &[u8]) -> String {
    format!("{:x}", Sha256::digest(content))
}

/// A value as a JSON file has it.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Vec<u8> {
    let mut json = serde_json::to_vec_pretty(value).expect("plain values, whose keys are strings");
    json.push(b'\n');
    json
}
