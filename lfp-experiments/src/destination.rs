//! Where commands write their results.

use std::path::{Path, PathBuf};

use crate::{
    data::DataSet,
    files,
    train::{RunFolderError, refuse_run_folder},
};

/// What is in the way of a folder: something else has its name, or that of a folder above it.
#[derive(Debug, thiserror::Error)]
#[error("{}: not a folder; choose another --out", .0.display())]
pub struct InTheWay(PathBuf);

/// A folder that results are not written to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DestinationError {
    /// There cannot be such a folder.
    #[error(transparent)]
    InTheWay(#[from] InTheWay),
    /// A folder of the data.
    #[error("{}: a folder of the data; nothing else is written there, choose another --out", .0.display())]
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
    check_path(out)?;
    check_data(out, data)?;
    Ok(refuse_run_folder(out)?)
}

/// Checks that the folder `out` is there, or can be created.
///
/// # Errors
///
/// What is in the way.
pub(crate) fn check_path(out: &Path) -> Result<(), InTheWay> {
    let absolute = files::absolute(out);
    let mut above = absolute.ancestors();
    let existing = above.find(|part| part.symlink_metadata().is_ok());
    match existing.filter(|part| !part.is_dir()) {
        Some(other) => Err(InTheWay(other.to_owned())),
        None => Ok(()),
    }
}

/// Checks that `out` is not `data`, and lies in no folder there that a data set is read from.
///
/// # Errors
///
/// [`DestinationError::Data`].
pub(crate) fn check_data(out: &Path, data: Option<&Path>) -> Result<(), DestinationError> {
    match data.is_some_and(|data| is_of_data(out, data)) {
        true => Err(DestinationError::Data(out.to_owned())),
        false => Ok(()),
    }
}

fn is_of_data(out: &Path, data: &Path) -> bool {
    let out = files::absolute(out);
    let mut of_sets = DataSet::all().flat_map(|set| set.folders(data));
    out == files::absolute(data)
        || of_sets.any(|folder| folder.is_dir() && out.starts_with(files::absolute(&folder)))
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
        for out in ["results", "data/results", "data/cifar10", "data/raw", "."] {
            assert!(!refused(out), "{out}");
        }
    }

    #[test]
    fn results_go_to_no_folder_that_a_data_set_is_published_with() {
        let data = tempfile::tempdir().unwrap();
        let refused = |out: &str| check(&data.path().join(out), Some(data.path())).is_err();
        for folder in [
            "MNIST/raw",
            "raw",
            "t10k-images.idx3-ubyte",
            "cifar-10-batches-bin",
            "cifar-10-batches-py",
            "cifar-100-binary",
            "cifar-100-python",
            "CUB_200_2011/images",
            "images",
            "ISIC_2019_Training_Input",
            "training",
            "evaluation",
            "train/cat",
            "test",
            "valid",
            "data",
            "plain_text",
            "cifar10",
            "cifar100",
        ] {
            let inside = format!("{folder}/results");
            assert!(
                !refused(folder) && !refused(&inside),
                "{folder} is not there"
            );
            fs::create_dir_all(data.path().join(folder)).unwrap();
            assert!(refused(folder) && refused(&inside), "{folder} is there");
        }
        assert!(refused("MNIST"));
        fs::write(data.path().join("t10k-labels-idx1-ubyte"), "").unwrap();
        assert!(!refused("results"));
    }

    #[test]
    fn what_is_in_the_way_of_a_folder_is_named() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        fs::write(root.join("file"), "").unwrap();
        for out in ["file", "file/a/b", "new/../file", "a/b/../../file/c"] {
            let error = check(&root.join(out), None).unwrap_err().to_string();
            let expected = format!(
                "{}: not a folder; choose another --out",
                root.join("file").display()
            );
            assert_eq!(error, expected, "{out}");
        }
        assert!(check(&root.join("new/er"), None).is_ok());
    }
}
