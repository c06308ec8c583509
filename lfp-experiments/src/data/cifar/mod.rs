//! CIFAR-10 and CIFAR-100 in both published layouts, binary and Python, and in those of Kaggle and Hugging Face.

mod kaggle;

use std::path::{Path, PathBuf};

use image::RgbImage;

use super::{
    DataError, DataSet, DataSetSpec, Load, Split,
    formats::{
        self,
        pickle::{self, Dictionary},
    },
    hugging_face::{self, Published},
    images::{Contents, normalization},
};

impl DataSet {
    /// CIFAR-10: 50,000 training and 10,000 test images of 3x32x32 pixels, ten classes.
    pub const CIFAR10: Self = Self::new(&DataSetSpec {
        name: "cifar10",
        summary: "Photographs of ten kinds of objects, 32x32",
        folders: &[
            &[
                CIFAR10.layouts[0].folder,
                CIFAR10.layouts[1].folder,
                kaggle::FOLDER,
            ],
            CIFAR10.tables.folders,
            &hugging_face::FOLDERS,
        ],
        load: Load::Folder(|folder| CIFAR10.load(folder)),
    });
    /// CIFAR-100: 50,000 training and 10,000 test images of 3x32x32 pixels, a hundred classes.
    pub const CIFAR100: Self = Self::new(&DataSetSpec {
        name: "cifar100",
        summary: "Photographs of a hundred kinds of objects, 32x32",
        folders: &[
            &[CIFAR100.layouts[0].folder, CIFAR100.layouts[1].folder],
            CIFAR100.tables.folders,
            &hugging_face::FOLDERS,
        ],
        load: Load::Folder(|folder| CIFAR100.load(folder)),
    });
}

/// Height and width of an image, whose three channels come one after another.
const SIDES: [usize; 2] = [32, 32];
const PIXELS: usize = 3 * 32 * 32;
/// Largest binary file in bytes. That of CIFAR-100 has 154 MB.
const MAX_FILE: u64 = 1 << 30;

/// Means and standard deviations of the channels, from the configuration of the paper's authors.
const MEAN: [f32; 3] = [0.4911, 0.4820, 0.4467];
const STD: [f32; 3] = [0.2022, 0.1993, 0.2009];

const CIFAR10: Cifar = Cifar {
    num_classes: 10,
    class_names: &[
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ],
    label_bytes: 1,
    label_key: "labels",
    tables: tables(&["plain_text", "cifar10"], "label", 10),
    layouts: [
        Layout {
            folder: "cifar-10-batches-bin",
            train: &[
                "data_batch_1.bin",
                "data_batch_2.bin",
                "data_batch_3.bin",
                "data_batch_4.bin",
                "data_batch_5.bin",
            ],
            test: "test_batch.bin",
            read: Cifar::read_binary,
        },
        Layout {
            folder: "cifar-10-batches-py",
            train: &[
                "data_batch_1",
                "data_batch_2",
                "data_batch_3",
                "data_batch_4",
                "data_batch_5",
            ],
            test: "test_batch",
            read: Cifar::read_pickle,
        },
    ],
};

const CIFAR100: Cifar = Cifar {
    num_classes: 100,
    class_names: &[],
    label_bytes: 2,
    label_key: "fine_labels",
    tables: tables(&["cifar100"], "fine_label", 100),
    layouts: [
        Layout {
            folder: "cifar-100-binary",
            train: &["train.bin"],
            test: "test.bin",
            read: Cifar::read_binary,
        },
        Layout {
            folder: "cifar-100-python",
            train: &["train"],
            test: "test",
            read: Cifar::read_pickle,
        },
    ],
};

struct Cifar {
    num_classes: usize,
    class_names: &'static [&'static str],
    /// Bytes before the pixels of a binary record. The last one is the label; CIFAR-100 has the coarse label first.
    label_bytes: usize,
    /// Key of the labels in a pickled dictionary.
    label_key: &'static str,
    tables: Published,
    layouts: [Layout; 2],
}

/// The tables of Hugging Face.
const fn tables(
    folders: &'static [&'static str],
    label: &'static str,
    num_classes: usize,
) -> Published {
    Published {
        folders,
        label,
        num_classes,
        channels: 3,
        check: check_size,
        pixels: |_, image| Ok(planes(&image.into_rgb8())),
    }
}

/// A published layout.
struct Layout {
    /// Folder in the archive.
    folder: &'static str,
    train: &'static [&'static str],
    test: &'static str,
    read: fn(&Cifar, &Path) -> Result<Contents, DataError>,
}

impl Cifar {
    /// Reads `folder` or the subfolder that the archive unpacks to.
    fn load(&self, folder: &Path) -> Result<Split, DataError> {
        let found = self.layouts.iter().find_map(|layout| {
            let places = [folder.join(layout.folder), folder.to_owned()];
            let here = |place: &PathBuf| place.join(layout.train[0]).is_file();
            Some((layout, places.into_iter().find(here)?))
        });
        if let Some((layout, place)) = found {
            let part = |names: &[&str]| self.read(layout, &place, names);
            let parts = [part(layout.train)?, part(&[layout.test])?];
            return Ok(self.split(parts));
        }
        if let Some(labels) = kaggle::find(folder).filter(|_| !self.class_names.is_empty()) {
            return Ok(self.split(kaggle::read(&labels, self.class_names)?));
        }
        if let Some([train, test]) = self.tables.find(folder)? {
            return Ok(self.split([self.tables.read(&train)?, self.tables.read(&test)?]));
        }
        let file = |layout: &Layout| format!("{}/{}", layout.folder, layout.train[0]);
        let expected = self.layouts.each_ref().map(file).join(" or ");
        Err(DataError::no_data_set(folder, expected))
    }

    fn split(&self, parts: [Contents; 2]) -> Split {
        let lookup = || normalization(MEAN, STD);
        let [train, test] = parts
            .map(|contents| contents.into_images(self.num_classes, self.class_names, lookup()));
        Split::new(train, test)
    }

    fn read(&self, layout: &Layout, folder: &Path, names: &[&str]) -> Result<Contents, DataError> {
        let mut all = Contents::of(SIDES);
        for name in names {
            let path = folder.join(name);
            let contents = (layout.read)(self, &path)?;
            let is_unknown = |label: &&u8| usize::from(**label) >= self.num_classes;
            if let Some(&found) = contents.labels.iter().find(is_unknown) {
                return Err(DataError::label(&path, self.num_classes, found));
            }
            all.pixels.extend(contents.pixels);
            all.labels.extend(contents.labels);
        }
        Ok(all)
    }

    /// Records of label bytes and pixels.
    fn read_binary(&self, path: &Path) -> Result<Contents, DataError> {
        let bytes = formats::read(path, MAX_FILE)?;
        let record = self.label_bytes + PIXELS;
        if bytes.is_empty() || bytes.len() % record != 0 {
            let expected = format!("records of {record} bytes");
            let found = format!("{} bytes, which is not a multiple", bytes.len());
            return Err(DataError::malformed(path, expected, found));
        }
        let mut contents = Contents::of(SIDES);
        for record in bytes.chunks(record) {
            let (labels, pixels) = record.split_at(self.label_bytes);
            contents.labels.extend(labels.last());
            contents.pixels.extend(pixels);
        }
        Ok(contents)
    }

    /// A pickled dictionary with an array of pixels, and labels in a list or an array.
    fn read_pickle(&self, path: &Path) -> Result<Contents, DataError> {
        let bytes = pickle::read(path)?;
        let dictionary = Dictionary::parse(path, &bytes)?;
        let labels = dictionary.bytes_of_numbers(self.label_key)?;
        let (pixels, shape) = dictionary.array("data")?;
        let count = labels.len();
        if count == 0 || pixels.len() != count * PIXELS {
            let expected = format!("{PIXELS} pixels for each of {count} labels");
            return Err(DataError::malformed(
                path,
                expected,
                pixels.len().to_string(),
            ));
        }
        if ![&[count, PIXELS][..], &[count, 3, 32, 32]].contains(&&*shape) {
            let expected = format!("pixels of shape [{count}, {PIXELS}] or [{count}, 3, 32, 32]");
            return Err(DataError::malformed(path, expected, format!("{shape:?}")));
        }
        Ok(Contents {
            sides: SIDES,
            pixels,
            labels,
        })
    }
}

/// Checks height and width of an image.
fn check_size(path: &Path, sides: [usize; 2]) -> Result<(), DataError> {
    match sides {
        SIDES => Ok(()),
        [height, width] => {
            let found = format!("{width}x{height}");
            Err(DataError::malformed(
                path,
                "an image of 32x32 pixels",
                found,
            ))
        }
    }
}

/// The channels of an image, one after another.
fn planes(image: &RgbImage) -> Vec<u8> {
    let channel = |channel: usize| image.pixels().map(move |pixel| pixel.0[channel]);
    (0..3).flat_map(channel).collect()
}
