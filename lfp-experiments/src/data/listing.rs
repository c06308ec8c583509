//! Files of a folder: images, and an account of everything else.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ffi::OsString,
    fmt, fs, io,
    path::{Component, Path, PathBuf},
};

use super::{DataError, formats::photograph::EXTENSIONS};
use crate::files::{self, failed};

/// Files and folders that file managers and operating systems leave behind. Hidden ones are recognised by their names.
const OF_THE_SYSTEM: [&str; 6] = [
    "Thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "Icon\r",
    "__MACOSX",
    "@eaDir",
];

/// Largest number of kinds that a message lists.
const MAX_KINDS: usize = 5;

/// Files that are not read, by kind.
#[derive(Debug, Default)]
pub(super) struct Skipped {
    /// Number and first path of each kind.
    kinds: BTreeMap<String, (usize, PathBuf)>,
}

impl Skipped {
    pub(super) fn add(&mut self, kind: impl Into<String>, path: &Path) {
        let entry = self.kinds.entry(kind.into());
        entry.or_insert_with(|| (0, path.to_owned())).0 += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    pub(super) fn extend(&mut self, more: Self) {
        for (kind, (count, first)) in more.kinds {
            let entry = self.kinds.entry(kind);
            entry.or_insert_with(|| (0, first)).0 += count;
        }
    }

    /// Tells people what a data set leaves out.
    pub(super) fn report(&self, root: &Path) {
        if !self.is_empty() {
            tracing::warn!("{}: not read: {self}", root.display());
        }
    }
}

/// For example `2 .txt (first train/notes.txt), 1 broken link (x.jpg)`.
impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds: Vec<_> = self.kinds.iter().collect();
        // The most frequent first; the map has sorted equal ones by name.
        kinds.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
        for (index, (kind, (count, first))) in kinds.iter().take(MAX_KINDS).enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            let path = first.to_string_lossy();
            write!(
                f,
                "{separator}{count} {kind} (first {})",
                path.escape_debug()
            )?;
        }
        match kinds.len().saturating_sub(MAX_KINDS) {
            0 => Ok(()),
            more => write!(f, ", and {more} more kinds"),
        }
    }
}

/// An entry of a folder after links are followed.
enum Entry {
    Folder,
    Image,
    /// Neither; its kind.
    Other(String),
}

fn entry(path: &Path) -> Result<Entry, DataError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(failed("read", path)(error).into());
        }
        Err(_) => return Ok(Entry::Other("broken link".to_owned())),
    };
    let kind = if OF_THE_SYSTEM.contains(&&*name) {
        format!("{} of the system", name.escape_debug())
    } else if name.starts_with('.') {
        "hidden".to_owned()
    } else if metadata.is_dir() {
        return Ok(Entry::Folder);
    } else if !metadata.is_file() {
        "pipe or device".to_owned()
    } else {
        match path
            .extension()
            .map(|extension| extension.to_string_lossy())
        {
            Some(extension) => match EXTENSIONS.contains(&&*extension.to_lowercase()) {
                true => return Ok(Entry::Image),
                false => format!(".{}", extension.escape_debug()),
            },
            None => "without extension".to_owned(),
        }
    };
    Ok(Entry::Other(kind))
}

/// Subfolders of `folder`, sorted by name. Anything else is added to `skipped`.
pub(super) fn folders(folder: &Path, skipped: &mut Skipped) -> Result<Vec<PathBuf>, DataError> {
    let mut folders = Vec::new();
    for path in sorted(folder)? {
        match entry(&path)? {
            Entry::Folder => folders.push(path),
            Entry::Image => skipped.add("image outside the class folders", &path),
            Entry::Other(kind) => skipped.add(kind, &path),
        }
    }
    Ok(folders)
}

/// Images directly in `folder`, sorted by name. Anything else is added to `skipped`.
pub(super) fn images_in(folder: &Path, skipped: &mut Skipped) -> Result<Vec<PathBuf>, DataError> {
    let mut images = Vec::new();
    for path in sorted(folder)? {
        match entry(&path)? {
            Entry::Folder => skipped.add("folder", &path),
            Entry::Image => images.push(path),
            Entry::Other(kind) => skipped.add(kind, &path),
        }
    }
    Ok(images)
}

/// Images in `folder` and its subfolders, sorted by path. Links to files and folders are followed; a folder that several
/// links lead to, perhaps in a circle, is read once. Anything else is added to `skipped`.
pub(super) fn images_below(
    folder: &Path,
    skipped: &mut Skipped,
) -> Result<Vec<PathBuf>, DataError> {
    let mut images = Vec::new();
    let mut seen = HashSet::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let real = fs::canonicalize(&folder).map_err(failed("read", &folder))?;
        if !seen.insert(real) {
            skipped.add("folder that was read already", &folder);
            continue;
        }
        for path in sorted(&folder)? {
            match entry(&path)? {
                Entry::Folder => open.push(path),
                Entry::Image => images.push(path),
                Entry::Other(kind) => skipped.add(kind, &path),
            }
        }
    }
    images.sort();
    Ok(images)
}

/// Images that a file of labels lists: each exists, and none is listed twice.
pub(super) struct Listed<'a> {
    labels: &'a Path,
    folder: &'a Path,
    /// The lines that list them.
    seen: HashMap<PathBuf, u64>,
}

impl<'a> Listed<'a> {
    /// Images of `labels` in `folder`.
    pub(super) fn new(labels: &'a Path, folder: &'a Path) -> Self {
        Self {
            labels,
            folder,
            seen: HashMap::new(),
        }
    }

    /// The path of the image with this name, which may be a path itself, by a line of the file.
    pub(super) fn add(&mut self, name: &str, line: u64) -> Result<PathBuf, DataError> {
        let image = self.folder.join(name);
        let is_inside = |part: Component| matches!(part, Component::Normal(_) | Component::CurDir);
        if !Path::new(name).components().all(is_inside) {
            let expected = format!("images in {}", self.folder.display());
            let found = name.escape_debug().to_string();
            return Err(DataError::malformed_line(
                self.labels,
                line,
                expected,
                found,
            ));
        }
        if !image.is_file() {
            return Err(DataError::MissingImage {
                labels: self.labels.to_owned(),
                line,
                image,
            });
        }
        match self.seen.insert(image.clone(), line) {
            None => Ok(image),
            Some(first) => Err(DataError::RepeatedImage {
                labels: self.labels.to_owned(),
                lines: [first, line],
                image,
            }),
        }
    }
}

/// Adds the images that no list of the data set mentions to `skipped`.
pub(super) fn skip_unlisted<'a>(
    images: &[PathBuf],
    listed: impl IntoIterator<Item = &'a Path>,
    skipped: &mut Skipped,
) {
    let listed: HashSet<&Path> = listed.into_iter().collect();
    let unlisted = images.iter().filter(|image| !listed.contains(&***image));
    unlisted.for_each(|image| skipped.add("image without a label", image));
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut entries = files::list(folder)?;
    entries.sort();
    Ok(entries)
}

/// Last component of a path, which need not be text.
pub(super) fn file_name(path: &Path) -> OsString {
    path.file_name().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_lists_the_most_frequent_kinds() {
        let mut skipped = Skipped::default();
        for kind in ["hidden", ".txt", ".txt", ".csv", ".md", ".log", ".cfg"] {
            skipped.add(kind, Path::new("a\nb"));
        }
        let text = skipped.to_string();
        assert!(text.starts_with("2 .txt (first a\\nb), 1 .cfg"), "{text}");
        assert!(text.ends_with("and 1 more kinds"), "{text}");
    }
}
