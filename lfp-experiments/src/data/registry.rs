//! Data sets by name.

use std::path::{Path, PathBuf};

use super::{DATA_SETS, DataError, Reading, Split, image_files::subfolder_or_self};

/// Describes a data set: its name and how to load it.
///
/// Each data set's file holds its specification.
#[derive(Debug)]
pub struct DataSetSpec {
    /// Name on the command line and in files. A subfolder of that name is searched first.
    pub name: &'static str,
    /// One line for `--help`.
    pub summary: &'static str,
    /// The folders that it is read from, in groups: subfolders of the one that the user names, as they are published.
    pub folders: &'static [&'static [&'static str]],
    /// How to load it. Call [`DataSet::load`] instead, which finds the folder.
    pub load: Load,
}

/// How to load a data set, and from where.
#[derive(Clone, Copy, Debug)]
pub enum Load {
    /// Images of a fixed size in a folder that the user names.
    Folder(fn(&Path) -> Result<Split, DataError>),
    /// Image files in a folder that the user names. They are decoded on access and resized.
    ImageFiles(fn(&Path, Reading) -> Result<Split, DataError>),
    /// Like [`Folder`](Self::Folder); without a folder the data set is downloaded into the user's cache.
    Download {
        /// How to load it.
        load: fn(Option<&Path>) -> Result<Split, DataError>,
        /// Whether the cache has it already.
        is_cached: fn() -> bool,
    },
    /// Drawn from a seed; there are no files.
    Generated(fn(u64) -> Split),
}

/// A data set by name. Copyable; [`FromStr`](std::str::FromStr), [`Display`](std::fmt::Display) and serde use the name.
///
/// # Example
///
/// ```
/// use lfp_experiments::data::{DataSet, Reading};
///
/// let data_set: DataSet = "swirl".parse()?;
/// assert_eq!(data_set, DataSet::SWIRL);
/// let data = data_set.load(None, Reading::default())?;
/// assert_eq!((data.train.len(), data.train.num_classes()), (10_000, 3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct DataSet(&'static DataSetSpec);

lfp_models::identified_by_name!(
    DataSet,
    /// A name that no data set has.
    UnknownDataSet,
    "data set"
);

impl DataSet {
    pub(super) const fn new(spec: &'static DataSetSpec) -> Self {
        Self(spec)
    }

    /// All data sets, in the order in which help texts list them.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        DATA_SETS.iter().copied()
    }

    /// Name on the command line and in files.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The data set's specification.
    pub fn spec(self) -> &'static DataSetSpec {
        self.0
    }

    /// The folders that it is read from where the user names `root`; each may be there or not.
    pub(crate) fn folders(self, root: &Path) -> impl Iterator<Item = PathBuf> {
        let published = self.0.folders.iter().copied().flatten().copied();
        let own = (!self.is_generated()).then_some(self.name());
        let folders = own.into_iter().chain(published);
        folders.map(|folder| root.join(folder))
    }

    /// Whether it consists of image files, which are resized and cached as [`Reading`] says.
    pub fn has_image_files(self) -> bool {
        matches!(self.0.load, Load::ImageFiles(_))
    }

    /// Whether it is drawn from a seed, and has no files.
    pub fn is_generated(self) -> bool {
        matches!(self.0.load, Load::Generated(_))
    }

    /// Draws a generated data set from `seed`; `None` if the data set has files.
    pub fn draw(self, seed: u64) -> Option<Split> {
        match self.0.load {
            Load::Generated(draw) => Some(draw(seed)),
            Load::Folder(_) | Load::ImageFiles(_) | Load::Download { .. } => None,
        }
    }

    /// Whether [`load`](Self::load) would download the data set.
    pub fn would_download(self, root: Option<&Path>) -> bool {
        match self.0.load {
            Load::Download { is_cached, .. } => root.is_none() && !is_cached(),
            Load::Folder(_) | Load::ImageFiles(_) | Load::Generated(_) => false,
        }
    }

    /// Loads the data set from `root`, or from its subfolder with the data set's name if there is one.
    ///
    /// # Errors
    ///
    /// If `root` is `None` although the data set has files that cannot be downloaded; if `root` is given although the data
    /// set is generated; if a file is missing, malformed, or cannot be downloaded; if a part has no samples; if training and
    /// test images differ in size.
    pub fn load(self, root: Option<&Path>, reading: Reading) -> Result<Split, DataError> {
        let own = root.map(|root| subfolder_or_self(root, self.name()));
        let split = match (self.0.load, own.as_deref()) {
            (Load::Folder(load), Some(folder)) => load(folder),
            (Load::ImageFiles(load), Some(folder)) => load(folder, reading),
            (Load::Download { load, .. }, folder) => load(folder),
            (Load::Generated(draw), None) => Ok(draw(reading.seed)),
            (Load::Generated(_), Some(_)) => Err(DataError::Generated(self)),
            (Load::Folder(_) | Load::ImageFiles(_), None) => Err(DataError::NoFolder(self)),
        }?;
        for (part, samples) in [("training", &split.train), ("test", &split.test)] {
            if samples.is_empty() {
                return Err(DataError::EmptyPart {
                    data_set: self,
                    part,
                });
            }
        }
        let [train, test] = [split.train.shape(), split.test.shape()];
        match train == test {
            true => Ok(split),
            false => Err(DataError::Shapes {
                data_set: self,
                train,
                test,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_command_line() {
        let names: Vec<&str> = DataSet::all().map(DataSet::name).collect();
        let expected = "mnist cifar10 cifar100 cub isic food11 folder blobs circles swirl";
        assert_eq!(names.join(" "), expected);
    }

    #[test]
    fn a_name_parses_to_its_data_set_and_serialises_as_a_string() {
        for data_set in DataSet::all() {
            assert_eq!(data_set.to_string().parse(), Ok(data_set));
            let json = serde_json::to_string(&data_set).unwrap();
            assert_eq!(json, format!("\"{data_set}\""));
            assert_eq!(serde_json::from_str::<DataSet>(&json).unwrap(), data_set);
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = "imagenet".parse::<DataSet>().unwrap_err().to_string();
        let in_json = serde_json::from_str::<DataSet>("\"imagenet\"").unwrap_err();
        for text in [error, in_json.to_string()] {
            assert!(text.contains("'imagenet'"), "{text}");
            for data_set in DataSet::all() {
                assert!(text.contains(data_set.name()), "{text}");
            }
        }
    }

    #[test]
    fn a_folder_is_required_for_files_and_refused_for_generated_data() {
        for data_set in DataSet::all() {
            let load = |root| data_set.load(root, Reading::default());
            match data_set.spec().load {
                Load::Folder(_) | Load::ImageFiles(_) => {
                    let error = load(None).err().expect("no folder");
                    assert!(matches!(error, DataError::NoFolder(of) if of == data_set));
                }
                Load::Generated(_) => {
                    let error = load(Some(Path::new("data"))).err().expect("no files");
                    assert!(matches!(error, DataError::Generated(of) if of == data_set));
                    let data = load(None).unwrap();
                    assert_eq!(data.train.shape(), data.test.shape());
                    // The first point of a spiral lies in its centre, whatever the seed.
                    let drawn = |seed| data_set.draw(seed).unwrap().train.get(1).unwrap();
                    let loaded = |seed| {
                        let reading = Reading::default().with_seed(seed);
                        data_set.load(None, reading).unwrap().train.get(1).unwrap()
                    };
                    assert_eq!(drawn(7), loaded(7));
                    assert_ne!(loaded(7), loaded(8));
                }
                Load::Download { .. } => {}
            }
        }
    }
}
