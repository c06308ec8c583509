//! CUB-200-2011: photographs of birds.
//!
//! `images.txt`, `image_class_labels.txt` and `train_test_split.txt` have lines of an image number and a value.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    Augmentation, DataError, DataSet, DataSetSpec, Fit, Load, Preparation, Reading, Split,
    formats::table::Table,
    image_files::{ChannelStats, Labelled, check_classes, subfolder_or_self},
    listing::{Listed, Skipped, images_below, skip_unlisted},
};

impl DataSet {
    /// CUB-200-2011: 5,994 training and 5,794 test images, 200 classes, split as published.
    pub const CUB: Self = Self::new(&DataSetSpec {
        name: "cub",
        summary: "CUB-200-2011: photographs of birds",
        folders: &[&[FOLDER, IMAGES]],
        load: Load::ImageFiles(load),
    });
}

/// The folder that the archive unpacks to, and that of the images in it.
const FOLDER: &str = "CUB_200_2011";
const IMAGES: &str = "images";

/// Channel statistics from the configuration of the paper's authors.
const STATS: ChannelStats = (
    [0.474_734_9, 0.488_35, 0.417_599_5],
    [0.227_987_73, 0.222_885_73, 0.259_824_04],
);

fn load(root: &Path, reading: Reading) -> Result<Split, DataError> {
    let root = subfolder_or_self(root, FOLDER);
    let names = root.join("images.txt");
    if !names.is_file() {
        return Err(DataError::no_data_set(&root, "images.txt"));
    }
    let folder = root.join(IMAGES);
    let Parts {
        train,
        test,
        classes,
    } = Parts::read(&root, &names, &folder)?;
    for part in [&train, &test] {
        let class = |class| Some(folder.join(format!("{class:03}.*")));
        check_classes(part, (1..=classes.len()).map(class))?;
    }
    let mut skipped = Skipped::default();
    let found = images_below(&folder, &mut skipped)?;
    let listed = train.iter().chain(&test);
    skip_unlisted(&found, listed.map(|image| &*image.path), &mut skipped);
    let for_train = Preparation {
        fit: Fit::CenterCrop,
        ..reading.preparation(STATS, Augmentation::Cub)
    };
    let for_test = reading.preparation(STATS, Augmentation::None);
    let split = reading.split([train, test], classes, [for_train, for_test])?;
    skipped.report(&root);
    Ok(split)
}

/// What the lists say.
#[derive(Default)]
struct Parts {
    train: Vec<Labelled>,
    test: Vec<Labelled>,
    /// Names of the classes.
    classes: Vec<String>,
}

impl Parts {
    /// The images in `folder` that the list `names` has, by the other lists in `root`.
    fn read(root: &Path, names: &Path, folder: &Path) -> Result<Self, DataError> {
        let paths = List::read(names)?;
        let labels = List::read(&root.join("image_class_labels.txt"))?;
        let is_training = List::read(&root.join("train_test_split.txt"))?;
        let mut parts = Self::default();
        // Every class has an image.
        let most = paths.rows.len();
        let mut listed = Listed::new(names, folder);
        for (number, (path, line)) in &paths.rows {
            let image = listed.add(path, *line)?;
            // Classes are counted from 1.
            let class = labels.number(number)?;
            let label = class
                .checked_sub(1)
                .filter(|_| class as usize <= most)
                .ok_or_else(|| labels.malformed(number, &format!("a class from 1 to {most}")))?;
            parts.name(label as usize, class_name(path));
            let part = match is_training.number(number)? {
                1 => &mut parts.train,
                0 => &mut parts.test,
                _ => return Err(is_training.malformed(number, "0 or 1")),
            };
            part.push(Labelled { path: image, label });
        }
        Ok(parts)
    }

    fn name(&mut self, class: usize, name: String) {
        if self.classes.len() <= class {
            self.classes.resize(class + 1, String::new());
        }
        if let Some(place) = self.classes.get_mut(class) {
            *place = name;
        }
    }
}

/// The class of an image such as `001.Black_footed_Albatross/photo.jpg`: Black footed Albatross.
fn class_name(path: &str) -> String {
    let folder = path.split('/').next().unwrap_or_default();
    let name = folder.split_once('.').map_or(folder, |(_, name)| name);
    name.replace('_', " ")
}

/// A file with lines `IMAGE_NUMBER VALUE`.
struct List {
    path: PathBuf,
    /// Values by image, with the numbers of their lines.
    rows: BTreeMap<u32, (String, u64)>,
}

impl List {
    fn read(path: &Path) -> Result<Self, DataError> {
        let table = Table::read(path, b" \t,;")?;
        let invalid = |error: csv::Error| table.unreadable("an image number and a value", &error);
        let mut rows = BTreeMap::new();
        for row in table.rows() {
            let row = row.map_err(invalid)?;
            let (image, value) = row.deserialize(None).map_err(invalid)?;
            if rows.insert(image, (value, table.line(&row))).is_some() {
                let found = format!("another line for image {image}");
                return Err(table.malformed(&row, "one line for each image", found));
            }
        }
        Ok(Self {
            path: path.to_owned(),
            rows,
        })
    }

    /// The value of an image as a number.
    fn number(&self, image: &u32) -> Result<u32, DataError> {
        let row = self.rows.get(image);
        let value = row.and_then(|(value, _)| value.parse().ok());
        value.ok_or_else(|| self.malformed(image, "a number"))
    }

    fn malformed(&self, image: &u32, expected: &str) -> DataError {
        let expected = format!("{expected} for image {image}");
        match self.rows.get(image) {
            Some((found, line)) => {
                let found = found.escape_debug().to_string();
                DataError::malformed_line(&self.path, *line, expected, found)
            }
            None => DataError::malformed(&self.path, expected, "none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_an_image_names_its_class() {
        let path = "001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.jpg";
        assert_eq!(class_name(path), "Black footed Albatross");
    }
}
