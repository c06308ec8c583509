//! Where commands write their results.

use std::path::{Path, PathBuf};

use crate::{
    data::DataSet,
    files,
    train::{RunFolderError, refuse_run_folder},
};

/// A folder that results are not written to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DestinationError {
    /// Something else has its name, or that of a folder above it.
    #[error("{}: not a folder; choose another --out", .0.display())]
    NotAFolder(PathBuf),
    /// The folder of the data.
    #[error("{}: the folder of the data; nothing else is written there, choose another --out", .0.display())]
    Data(PathBuf),
    /// The folder of a run.
    #[error(transparent)]
    Run(#[from] RunFolderError),
}

/// Checks that results can be written to the folder `out`, which need not be there, beside data in `data`. Changes nothing.
///
/// # Errors
///
/// If something else has its name, or it is a folder of the data or of a run.
pub(crate) fn check(out: &Path, data: Option<&Path>) -> Result<(), DestinationError> {
    let mut above = out.ancestors();
    let existing = above.find(|part| part.symlink_metadata().is_ok());
    if let Some(other) = existing.filter(|part| !part.is_dir()) {
        return Err(DestinationError::NotAFolder(other.to_owned()));
    }
    match data.is_some_and(|data| is_of_data(out, data)) {
        true => Err(DestinationError::Data(out.to_owned())),
        false => Ok(refuse_run_folder(out)?),
    }
}

/// Whether `out` is the folder `data`, or the one of a data set in it.
fn is_of_data(out: &Path, data: &Path) -> bool {
    let out = files::absolute(out);
    let of_sets = DataSet::all().map(|set| data.join(set.name()));
    let of_sets = of_sets.filter(|folder| folder.is_dir());
    let mut folders = of_sets.chain([data.to_owned()]);
    folders.any(|folder| files::absolute(&folder) == out)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn results_go_to_no_folder_of_data_under_any_name() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        fs::create_dir_all(data.join("mnist")).unwrap();
        let refused = |out: &str| {
            let checked = check(&root.path().join(out), Some(&data));
            matches!(checked, Err(DestinationError::Data(_)))
        };
        for out in [
            "data",
            "data/../data/",
            "data/mnist",
            "new/../data",
            "a/b/../../data/mnist",
        ] {
            assert!(refused(out), "{out}");
        }
        // Where no data set is read from, results may lie.
        for out in ["results", "data/results", "data/cifar10", "."] {
            assert!(!refused(out), "{out}");
        }
    }

    #[test]
    fn what_is_in_the_way_of_a_folder_is_named() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        for out in [file.clone(), file.join("a/b")] {
            let error = check(&out, None).unwrap_err().to_string();
            let expected = format!("{}: not a folder; choose another --out", file.display());
            assert_eq!(error, expected);
        }
        assert!(check(&root.path().join("new/er"), None).is_ok());
    }
}
