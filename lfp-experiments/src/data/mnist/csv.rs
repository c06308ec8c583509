//! MNIST as tables: a line per image, with its label and the pixels of its rows. Kaggle's Digit Recognizer has a header, and
//! test images without labels.

use std::path::{Path, PathBuf};

use csv::StringRecord;

use super::{CLASSES, check_side};
use crate::data::{
    DataError, formats::table::Table, held_out, images::Contents, listing::file_name,
};

/// Names of the training and the test table.
const NAMES: [[&str; 2]; 2] = [
    ["train.csv", "test.csv"],
    ["mnist_train.csv", "mnist_test.csv"],
];

/// The tables in a folder.
pub(super) fn find(folder: &Path) -> Option<[PathBuf; 2]> {
    let paths = NAMES.map(|names| names.map(|name| folder.join(name)));
    paths.into_iter().find(|[train, _]| train.is_file())
}

/// Training and test images. Without labels for testing, a share of the training images is held out.
pub(super) fn read([train, test]: [PathBuf; 2]) -> Result<[Contents; 2], DataError> {
    let digits = match table(&train)? {
        Part::Labelled(digits) => digits,
        Part::Unlabelled { .. } => {
            return Err(DataError::malformed(&train, "a column \"label\"", "none"));
        }
    };
    let reason = match test.is_file() {
        true => match table(&test)? {
            Part::Labelled(test) => return Ok([digits, test]),
            Part::Unlabelled { columns } if columns == digits.sides[0] * digits.sides[1] => {
                held_out::NO_LABELS.to_owned()
            }
            Part::Unlabelled { columns } => {
                let [height, width] = digits.sides;
                let expected = format!("a column \"label\" and {} pixels", height * width);
                let found = format!("{columns} columns, none of them \"label\"");
                return Err(DataError::malformed(&test, expected, found));
            }
        },
        false => format!("there is no {}", file_name(&test).display()),
    };
    held_out::announce(&train, &reason);
    let indices: Vec<usize> = (0..digits.labels.len()).collect();
    let class = |index: &usize| {
        digits
            .labels
            .get(*index)
            .copied()
            .unwrap_or_default()
            .into()
    };
    let parts = held_out::stratified(&train, indices, class, CLASSES.into())?;
    Ok(parts.map(|mut part| {
        part.sort_unstable();
        subset(&digits, &part)
    }))
}

/// The images with the given indices.
fn subset(digits: &Contents, indices: &[usize]) -> Contents {
    let size = digits.sides.iter().product::<usize>().max(1);
    let images: Vec<&[u8]> = digits.pixels.chunks(size).collect();
    let pixels = indices.iter().filter_map(|&index| images.get(index));
    let labels = indices.iter().filter_map(|&index| digits.labels.get(index));
    Contents {
        sides: digits.sides,
        pixels: pixels.copied().flatten().copied().collect(),
        labels: labels.copied().collect(),
    }
}

/// What a table holds.
enum Part {
    Labelled(Contents),
    /// Perhaps images without labels: `columns` is the number of pixels of a square.
    Unlabelled {
        columns: usize,
    },
}

fn table(path: &Path) -> Result<Part, DataError> {
    let table = Table::read(path, b",;\t")?;
    let invalid = |error: csv::Error| table.unreadable("a label and pixels", &error);
    let mut rows = table.rows().peekable();
    let first = match rows.peek() {
        Some(Ok(first)) => first.clone(),
        _ => StringRecord::new(),
    };
    let is_label = |cell: &str| cell.eq_ignore_ascii_case("label");
    let has_header = first.iter().any(|cell| cell.parse::<u8>().is_err());
    let columns = first.len();
    let is_square = |pixels: usize| pixels > 0 && pixels.isqrt().pow(2) == pixels;
    if is_square(columns) && !first.iter().any(is_label) {
        return Ok(Part::Unlabelled { columns });
    }
    let label = match has_header {
        true => first.iter().position(is_label),
        // Without a header, the label comes first.
        false => Some(0),
    };
    let (Some(label), true) = (label, is_square(columns.saturating_sub(1))) else {
        let found = match label {
            Some(_) => format!("{columns} columns"),
            None => format!("{columns} columns, none of them \"label\""),
        };
        let expected = "a column \"label\" and the pixels of a square";
        return Err(DataError::malformed(path, expected, found));
    };
    let side = (columns - 1).isqrt();
    check_side(path, side)?;
    let mut digits = Contents::of([side, side]);
    for row in rows.skip(usize::from(has_header)) {
        let row = row.map_err(invalid)?;
        for (column, cell) in row.iter().enumerate() {
            let expected = "whole numbers from 0 to 255";
            let byte = cell.parse();
            let byte = byte.map_err(|_| table.malformed(&row, expected, format!("\"{cell}\"")))?;
            match column == label {
                true if byte >= CLASSES => {
                    let expected = format!("a label from 0 to {}", CLASSES - 1);
                    return Err(table.malformed(&row, expected, cell));
                }
                true => digits.labels.push(byte),
                false => digits.pixels.push(byte),
            }
        }
    }
    match digits.labels.is_empty() {
        true => Err(DataError::malformed(path, "images", "none")),
        false => Ok(Part::Labelled(digits)),
    }
}
