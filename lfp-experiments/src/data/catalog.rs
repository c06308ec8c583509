//! The data sets that the program knows by name.

use std::{fmt, path::Path};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::{
    Cifar, DataError, Mnist, Reading, Split, cub, folder, food11, isic, photographs::unpacked,
};

/// A data set by the name that `--dataset` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataSet {
    /// Handwritten digits.
    Mnist,
    /// Photographs of ten kinds of things, 32x32 pixels.
    Cifar10,
    /// Photographs of a hundred kinds of things, 32x32 pixels.
    Cifar100,
    /// CUB-200-2011: photographs of birds.
    Cub,
    /// ISIC 2019: photographs of skin.
    Isic,
    /// Food-11: photographs of meals.
    Food11,
    /// Any photographs, `train/CLASS/*` and `test/CLASS/*`.
    Folder,
}

impl fmt::Display for DataSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value().expect("every data set has a name");
        f.pad(value.get_name())
    }
}

impl DataSet {
    /// Whether it is in files that can be brought to any size.
    pub fn is_of_files(self) -> bool {
        matches!(self, Self::Cub | Self::Isic | Self::Food11 | Self::Folder)
    }

    /// Reads it from `root`. MNIST alone can do without a folder: it is then fetched.
    ///
    /// # Errors
    ///
    /// If it is not there, or broken.
    pub fn load(self, root: Option<&Path>, reading: Reading) -> Result<Split, DataError> {
        // A folder of several data sets has a subfolder of its name.
        let own = root.map(|root| unpacked(root, &self.to_string()));
        let root = own.as_deref();
        let named = || root.ok_or_else(|| DataError::NoFolder(self.to_string()));
        match self {
            Self::Mnist => Ok(Mnist::load(root)?.split()),
            Self::Cifar10 => Cifar::Ten.load(named()?),
            Self::Cifar100 => Cifar::Hundred.load(named()?),
            Self::Cub => cub(named()?, reading),
            Self::Isic => isic(named()?, reading),
            Self::Food11 => food11(named()?, reading),
            Self::Folder => folder(named()?, reading),
        }
    }
}
