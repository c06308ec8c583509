//! Data sets by name, and their batches.
//!
//! To add a data set: write its file with a [`DataSetSpec`], declare it here, and list it in `DATA_SETS`.

mod cifar;
mod cub;
mod folder;
mod food11;
mod isic;
mod mnist;
mod toy;

mod download;
mod error;
mod formats;
mod held_out;
mod hugging_face;
mod image_files;
mod images;
mod listing;
mod loader;
mod preparation;
mod registry;
mod samples;
mod subset;

pub use error::DataError;
pub use image_files::{ImageFiles, Reading};
pub use images::Images;
pub use loader::{Batch, Batches, Order, SampleBatcher};
pub use preparation::{Augmentation, Fit, Preparation};
pub use registry::{DataSet, DataSetSpec, Load, UnknownDataSet};
pub use samples::{Sample, Samples, Split, class_weights, identify_by_labels};
pub use toy::Points;

/// All data sets, in the order in which help texts list them.
const DATA_SETS: &[DataSet] = &[
    DataSet::MNIST,
    DataSet::CIFAR10,
    DataSet::CIFAR100,
    DataSet::CUB,
    DataSet::ISIC,
    DataSet::FOOD11,
    DataSet::FOLDER,
    DataSet::BLOBS,
    DataSet::CIRCLES,
    DataSet::SWIRL,
];
