//! Food-11 in its original layout: `training/CLASS_NUMBER.jpg`, and `evaluation` beside it. The copies with a folder for
//! each class are read, too.

use std::path::Path;

use super::{
    Labelled, Reading, check_classes,
    folder::{classes, labelled, same_classes},
    name, photographs_in, unpacked,
};
use crate::data::{DataError, Split};

const CLASSES: u32 = 11;

/// Reads Food-11: training on `training`, testing on `evaluation`; `validation` is left aside.
///
/// # Errors
///
/// If a part is missing, a class is empty, or a file is no image.
pub fn food11(root: &Path, reading: Reading) -> Result<Split, DataError> {
    let root = unpacked(root, "food11");
    let [train, test] = ["training", "evaluation"].map(|part| root.join(part));
    if !train.is_dir() || !test.is_dir() {
        return Err(DataError::NoDataSet {
            folder: root,
            expected: "training/CLASS_NUMBER.jpg and evaluation/CLASS_NUMBER.jpg".to_owned(),
        });
    }
    let parts = if photographs_in(&train)?.is_empty() {
        let classes = classes(&train)?;
        if classes.len() != CLASSES as usize {
            return Err(DataError::Classes {
                folder: train,
                expected: CLASSES as usize,
                found: classes.len(),
            });
        }
        same_classes(&classes, &test)?;
        [labelled(&train, &classes)?, labelled(&test, &classes)?]
    } else {
        [numbered(&train)?, numbered(&test)?]
    };
    reading.split(parts, CLASSES as usize, reading.quarters())
}

/// Photographs whose names begin with their class.
fn numbered(part: &Path) -> Result<Vec<Labelled>, DataError> {
    let labelled = photographs_in(part)?.into_iter().map(|path| {
        let file = name(&path);
        let class = file
            .split_once('_')
            .and_then(|(class, _)| class.parse().ok());
        match class {
            Some(label) if label < CLASSES => Ok(Labelled { path, label }),
            _ => Err(DataError::Broken {
                path,
                reason: "expected a name like 3_141.jpg, which begins with a class from 0 to 10"
                    .to_owned(),
            }),
        }
    });
    let labelled = labelled.collect::<Result<Vec<_>, _>>()?;
    let classes: Vec<_> = (0..CLASSES)
        .map(|class| part.join(format!("{class}_*")))
        .collect();
    check_classes(&labelled, &classes, |_| false)?;
    Ok(labelled)
}
