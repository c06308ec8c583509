//! Atomic file access: a killed process leaves either the old file or the new one, never a part.

use std::{
    fs::{self, File, TryLockError},
    io::{self, ErrorKind, Read, Write},
    path::{Component, Path, PathBuf},
};

use serde::Serialize;
use sha2::{Digest, Sha256};

/// Extension of a file or folder while it is being written.
const UNFINISHED: &str = "tmp";

/// A file or folder that cannot be accessed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path}: {source}", path = path.display())]
pub struct FileError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// Adds the action and the path to an I/O error.
pub(crate) fn failed<'a>(
    action: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> FileError + 'a {
    move |source| FileError {
        action,
        path: path.to_owned(),
        source,
    }
}

/// Locks a file, which is created if need be, until it is dropped; `None` if another process has locked it. The system unlocks
/// it when the process ends, however it ends.
pub(crate) fn lock(path: &Path) -> Result<Option<File>, FileError> {
    match check_regular(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(failed("lock", path)(error));
        }
        _ => {}
    }
    let mut options = File::options();
    let file = options.write(true).create(true).truncate(false).open(path);
    let file = file.map_err(failed("create", path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => Err(failed("lock", path)(source)),
    }
}

/// Opens a regular file.
pub(crate) fn open(path: &Path) -> Result<File, FileError> {
    let opened = check_regular(path).and_then(|()| File::open(path));
    opened.map_err(failed("read", path))
}

/// Reads a whole regular file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let mut content = Vec::new();
    let read = open(path)?.read_to_end(&mut content);
    read.map_err(failed("read", path))?;
    Ok(content)
}

/// Opening a pipe waits for its other end, and a device may never end.
fn check_regular(path: &Path) -> io::Result<()> {
    let found = fs::metadata(path)?;
    let what = match (found.is_file(), found.is_dir()) {
        (true, _) => return Ok(()),
        (_, true) => "not a file, but a folder",
        _ => "not a regular file, but a pipe or a device",
    };
    Err(io::Error::other(what))
}

/// What is wrong with the folder `path`, which must be there; `None` if nothing is.
pub(crate) fn not_a_folder(path: &Path) -> Option<String> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => None,
        Ok(_) => Some("not a folder".to_owned()),
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Some("no such folder".to_owned()),
            _ => Some(error.to_string()),
        },
    }
}

/// Lists a folder, in no particular order.
pub(crate) fn list(path: &Path) -> Result<Vec<PathBuf>, FileError> {
    fs::read_dir(path)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(failed("read", path))
}

/// Creates a folder and its parents.
pub(crate) fn create_folder(path: &Path) -> Result<(), FileError> {
    fs::create_dir_all(path).map_err(failed("create", path))
}

/// Writes a file atomically, so that it is complete or absent after a crash.
///
/// The temporary name contains a random number: processes and threads that share a study may finish the same figure at
/// once, on one machine or on several, whose process numbers may be equal. It is removed again if the file cannot be
/// written, for example on a full disk.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let unfinished = unfinished(&path.with_added_extension(rand::random::<u32>().to_string()));
    let written = write_durably(&unfinished, content).and_then(|()| publish(&unfinished, path));
    if written.is_err() {
        // The cause of the failure is worth more than that of the removal.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

/// Writes a file and waits until the disk has it. Not atomic.
pub(crate) fn write_durably(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let mut file = File::create(path).map_err(failed("write", path))?;
    file.write_all(content).map_err(failed("write", path))?;
    file.sync_all().map_err(failed("write", path))
}

/// Renames a finished file or folder to its final name.
pub(crate) fn publish(unfinished: &Path, path: &Path) -> Result<(), FileError> {
    fs::rename(unfinished, path).map_err(failed("write", path))?;
    sync_folder(parent(path))
}

/// The folder that holds `path`.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// The path from the root of the file system. Links stay.
pub(crate) fn from_root(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The path from the root of the file system, for a file in JSON.
///
/// # Errors
///
/// If it is no text in UTF-8, as JSON is.
pub(crate) fn recorded(path: &Path) -> Result<PathBuf, FileError> {
    let from_root = from_root(path);
    match from_root.to_str() {
        Some(_) => Ok(from_root),
        None => {
            let why = "its name, or that of a folder above it, is not UTF-8; rename it, or give a link to it";
            Err(failed("record", &from_root)(io::Error::other(why)))
        }
    }
}

/// The path from the root of the file system, with links resolved as far as it exists, and as it is when the rest is created.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    let from_root = from_root(path);
    let existing = from_root
        .ancestors()
        .find_map(|part| Some((part, part.canonicalize().ok()?)));
    let Some((part, mut real)) = existing else {
        return from_root;
    };
    let rest = from_root.strip_prefix(part).unwrap_or(Path::new(""));
    for component in rest.components() {
        match component {
            Component::ParentDir => {
                real.pop();
            }
            other => real.push(other),
        }
    }
    // The parent of a folder that is not there may have others that are.
    match rest.components().any(|of| of == Component::ParentDir) {
        true => absolute(&real),
        false => real,
    }
}

/// Temporary name of `path` while it is being written.
pub(crate) fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(UNFINISHED);
    name.into()
}

/// The final name of what is being written under the name `name`; `None` if `name` is no temporary name.
///
/// The inverse of the names that [`unfinished`] and [`write`] choose.
pub(crate) fn finished_name(name: &str) -> Option<&str> {
    let stem = name.strip_suffix(UNFINISHED)?.strip_suffix('.')?;
    match stem.rsplit_once('.') {
        Some((stem, number)) if number.parse::<u32>().is_ok() => Some(stem),
        _ => Some(stem),
    }
}

/// Waits until the disk has the renames in a folder. Does nothing outside Unix, where folders cannot be opened.
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

/// Formats a value as the content of a JSON file.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Vec<u8> {
    let mut json = serde_json::to_vec_pretty(value).expect("results have string keys only");
    json.push(b'\n');
    json
}

/// Writes a CSV file atomically. See [`to_csv`].
pub(crate) fn write_csv<const N: usize, C: ToString>(
    path: &Path,
    header: [&str; N],
    rows: impl IntoIterator<Item = [C; N]>,
) -> Result<(), FileError> {
    write(path, &to_csv(header, rows))
}

/// Formats rows as the content of a CSV file. Cells are formatted by `Display`.
pub(crate) fn to_csv<const N: usize, C: ToString>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [C; N]>,
) -> Vec<u8> {
    const IN_MEMORY: &str = "every row has N cells, and writing to memory does not fail";
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).expect(IN_MEMORY);
    for row in rows {
        let cells = row.map(|cell| cell.to_string());
        writer.write_record(cells).expect(IN_MEMORY);
    }
    writer.into_inner().expect(IN_MEMORY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_cells_are_displayed_and_quoted_where_needed() {
        let numbers = to_csv(["lr", "accuracy"], [[0.1, 1.0], [1e-7, f64::NAN]]);
        assert_eq!(
            String::from_utf8(numbers).unwrap(),
            "lr,accuracy\n0.1,1\n0.0000001,NaN\n"
        );
        let text = to_csv(["name", "note"], [["a,b", ""]]);
        assert_eq!(String::from_utf8(text).unwrap(), "name,note\n\"a,b\",\n");
        assert_eq!(to_csv::<1, f64>(["lr"], []), b"lr\n");
    }

    #[test]
    fn a_temporary_name_tells_the_final_one() {
        assert_eq!(finished_name("result.json.417.tmp"), Some("result.json"));
        assert_eq!(
            finished_name("checkpoint-0003.tmp"),
            Some("checkpoint-0003")
        );
        assert_eq!(finished_name("result.json"), None);
        assert_eq!(finished_name("tmp"), None);
    }

    #[test]
    fn threads_that_write_one_file_do_not_disturb_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result.json");
        std::thread::scope(|scope| {
            for thread in 0..4u8 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..50 {
                        write(path, &[thread; 4096]).unwrap();
                    }
                });
            }
        });
        let content = read(&path).unwrap();
        assert!(content.len() == 4096 && content.iter().all(|byte| *byte == content[0]));
        assert_eq!(
            list(folder.path()).unwrap(),
            [path],
            "nothing temporary is left"
        );
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        // No file can be renamed to a folder.
        fs::create_dir(&path).unwrap();
        assert!(write(&path, b"page").is_err());
        assert_eq!(list(folder.path()).unwrap(), [path]);
    }

    #[test]
    fn a_number_is_read_back_from_json_to_the_last_bit() {
        // Without `float_roundtrip`, serde_json reads the first one bit too low or too high.
        for number in [0.23576793018393638, 1.0 / 3.0, 5e-324, f64::MAX] {
            let read: f64 = serde_json::from_slice(&to_json(&number)).unwrap();
            assert_eq!(read.to_bits(), number.to_bits());
        }
    }
}
