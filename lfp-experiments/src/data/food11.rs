//! Food-11: photographs of dishes.
//!
//! The original layout is `training/CLASS_NUMBER.jpg` and `evaluation/CLASS_NUMBER.jpg`. Copies with a folder per class work, too.

use std::path::Path;

use super::{
    DataError, DataSet, DataSetSpec, Load, Reading, Split,
    folder::labelled_parts,
    image_files::{Labelled, check_classes, images_in, name, subfolder_or_self},
};

impl DataSet {
    /// Food-11: 9,866 training images (`training`) and 3,347 test images (`evaluation`), 11 classes. `validation` is unused.
    pub const FOOD11: Self = Self::new(&DataSetSpec {
        name: "food11",
        summary: "Food-11: photographs of dishes",
        load: Load::ImageFiles(load),
    });
}

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
    let root = subfolder_or_self(root, "food11");
    let [train, test] = ["training", "evaluation"].map(|part| root.join(part));
    if !train.is_dir() || !test.is_dir() {
        return Err(DataError::NoDataSet {
            folder: root,
            expected: "training/CLASS_NUMBER.jpg and evaluation/CLASS_NUMBER.jpg".to_owned(),
        });
    }
    let (parts, classes) = if images_in(&train)?.is_empty() {
        let (parts, classes) = labelled_parts(&train, &test)?;
        if classes.len() != CLASSES.len() {
            return Err(DataError::Classes {
                folder: train,
                expected: CLASSES.len(),
                found: classes.len(),
            });
        }
        (parts, classes)
    } else {
        let parts = [numbered(&train)?, numbered(&test)?];
        (parts, CLASSES.map(str::to_owned).into())
    };
    reading.split(parts, classes, reading.like_isic())
}

/// Images whose names begin with their class.
fn numbered(part: &Path) -> Result<Vec<Labelled>, DataError> {
    let labelled = images_in(part)?.into_iter().map(|path| {
        let file = name(&path);
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
