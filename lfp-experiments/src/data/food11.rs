//! Food-11: photographs of dishes.
//!
//! The original layout is `training/CLASS_NUMBER.jpg` and `evaluation/CLASS_NUMBER.jpg`. Copies with a folder per class work, too.

use std::path::Path;

use super::{
    DataError, DataSet, DataSetSpec, Load, Reading, Split,
    folder::labelled_parts,
    image_files::{Labelled, check_classes},
    listing::{Skipped, file_name, images_in},
};

impl DataSet {
    /// Food-11: 9,866 training images (`training`) and 3,347 test images (`evaluation`), 11 classes. `validation` is unused.
    pub const FOOD11: Self = Self::new(&DataSetSpec {
        name: "food11",
        summary: "Food-11: photographs of dishes",
        folders: &[&PARTS],
        load: Load::ImageFiles(load),
    });
}

/// The folders for training and testing.
const PARTS: [&str; 2] = ["training", "evaluation"];

/// Names of the classes in the order of their numbers.
const CLASSES: [&str; 11] = [
    "Bread",
    "Dairy product",
    "Dessert",
    "Egg",
    "Fried food",
    "Meat",
    "Noodles/Pasta",
    "Rice",
    "Seafood",
    "Soup",
    "Vegetable/Fruit",
];

fn load(root: &Path, reading: Reading) -> Result<Split, DataError> {
    let [train, test] = PARTS.map(|part| root.join(part));
    if !train.is_dir() || !test.is_dir() {
        let expected = "training/CLASS_NUMBER.jpg and evaluation/CLASS_NUMBER.jpg";
        return Err(DataError::no_data_set(root, expected));
    }
    let mut skipped = Skipped::default();
    let is_numbered = !images_in(&train, &mut Skipped::default())?.is_empty();
    let (parts, classes) = if is_numbered {
        let parts = [
            numbered(&train, &mut skipped)?,
            numbered(&test, &mut skipped)?,
        ];
        (parts, CLASSES.map(str::to_owned).into())
    } else {
        let (parts, classes) = labelled_parts(&train, &test, &mut skipped)?;
        if classes.len() != CLASSES.len() {
            return Err(DataError::Classes {
                folder: train,
                expected: CLASSES.len(),
                found: classes.len(),
            });
        }
        (parts, classes)
    };
    let split = reading.split(parts, classes, reading.like_isic())?;
    skipped.report(root);
    Ok(split)
}

/// Images whose names begin with their class.
fn numbered(part: &Path, skipped: &mut Skipped) -> Result<Vec<Labelled>, DataError> {
    let labelled = images_in(part, skipped)?.into_iter().map(|path| {
        let file = file_name(&path).to_string_lossy().into_owned();
        let class = file
            .split_once('_')
            .and_then(|(class, _)| class.parse().ok());
        match class {
            Some(label) if (label as usize) < CLASSES.len() => Ok(Labelled { path, label }),
            _ => {
                let expected = "a name such as 3_141.jpg that begins with a class from 0 to 10";
                Err(DataError::malformed(&path, expected, file))
            }
        }
    });
    let labelled = labelled.collect::<Result<Vec<_>, _>>()?;
    let class = |class| Some(part.join(format!("{class}_*")));
    check_classes(&labelled, (0..CLASSES.len()).map(class))?;
    Ok(labelled)
}
