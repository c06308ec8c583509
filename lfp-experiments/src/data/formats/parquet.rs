//! Parquet tables of labelled images, as Hugging Face publishes data sets: a column with image files, and one with labels.

use std::path::Path;

use bytes::Bytes;
use parquet::{
    basic::Compression,
    column::reader::ColumnReader,
    data_type::ByteArray,
    errors::ParquetError,
    file::{
        reader::{FileReader, RowGroupReader},
        serialized_reader::SerializedFileReader,
    },
};

use crate::{data::DataError, panics};

/// Largest table in bytes. That of CIFAR-100 has 120 MB.
const MAX_FILE: u64 = 1 << 30;
/// Largest number of rows.
const MAX_ROWS: usize = 1 << 20;
/// Names of a column with image files.
const IMAGES: [&str; 2] = ["image", "img"];

/// An image file and its label.
pub(in crate::data) struct Row {
    pub(in crate::data) file: ByteArray,
    pub(in crate::data) label: i64,
}

/// Reads the rows of a table, with the labels in column `label`.
pub(in crate::data) fn read(path: &Path, label: &str) -> Result<Vec<Row>, DataError> {
    let content = Bytes::from(super::read(path, MAX_FILE)?);
    // The crate asserts what damaged files can break, a size of at least zero and a dictionary for its indices among others.
    let rows = panics::contained(|| Table::open(content)?.rows(label));
    let rows = rows.unwrap_or_else(|message| Err(Fault::damaged(message)));
    rows.map_err(|Fault { expected, found }| DataError::malformed(path, expected, found))
}

/// What is wrong with a table.
struct Fault {
    expected: String,
    found: String,
}

impl Fault {
    fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
            found: found.into(),
        }
    }

    fn damaged(reason: impl Into<String>) -> Self {
        let reason = reason.into().replace('\n', " ");
        Self::new("a table in Parquet", format!("a damaged file ({reason})"))
    }
}

impl From<ParquetError> for Fault {
    fn from(error: ParquetError) -> Self {
        Self::damaged(error.to_string())
    }
}

struct Table {
    reader: SerializedFileReader<Bytes>,
}

impl Table {
    fn open(content: Bytes) -> Result<Self, Fault> {
        let reader = SerializedFileReader::new(content)?;
        let rows = reader.metadata().file_metadata().num_rows();
        match usize::try_from(rows) {
            Ok(1..=MAX_ROWS) => Ok(Self { reader }),
            _ => Err(Fault::new(
                format!("1 to {MAX_ROWS} rows"),
                rows.to_string(),
            )),
        }
    }

    fn rows(&self, label: &str) -> Result<Vec<Row>, Fault> {
        let files = IMAGES.map(|name| format!("{name}.bytes"));
        let [image, img] = files.each_ref().map(String::as_str);
        let (files_at, labels_at) = (self.column(&[image, img])?, self.column(&[label])?);
        let mut rows = Vec::new();
        for group in 0..self.reader.num_row_groups() {
            let group = self.reader.get_row_group(group)?;
            let files = read_files(&*group, files_at)?;
            let labels = read_labels(&*group, labels_at)?;
            if files.len() != labels.len() {
                let expected = format!("a label for each of {} images", files.len());
                return Err(Fault::new(expected, labels.len().to_string()));
            }
            if rows.len() + files.len() > MAX_ROWS {
                return Err(Fault::new(format!("at most {MAX_ROWS} rows"), "more"));
            }
            let found = files.into_iter().zip(labels);
            rows.extend(found.map(|(file, label)| Row { file, label }));
        }
        let expected = self.reader.metadata().file_metadata().num_rows();
        match i64::try_from(rows.len()) {
            Ok(found) if found == expected => Ok(rows),
            _ => Err(Fault::new(
                format!("{expected} rows, as its footer says"),
                rows.len().to_string(),
            )),
        }
    }

    /// The index of the column that has one of the names.
    fn column(&self, names: &[&str]) -> Result<usize, Fault> {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        let columns = schema.columns();
        let paths: Vec<String> = columns
            .iter()
            .map(|column| column.path().string())
            .collect();
        let found = paths.iter().position(|path| names.contains(&path.as_str()));
        found.ok_or_else(|| {
            let expected = format!("a column {}", names.join(" or "));
            let shown: Vec<_> = paths
                .iter()
                .take(5)
                .map(|path| path.escape_debug())
                .collect();
            let shown: Vec<String> = shown.into_iter().map(|path| path.to_string()).collect();
            Fault::new(expected, format!("the columns {}", shown.join(", ")))
        })
    }
}

/// The reader of a column whose compression can be read.
fn open_column(group: &dyn RowGroupReader, index: usize) -> Result<ColumnReader, Fault> {
    match group.metadata().column(index).compression() {
        Compression::UNCOMPRESSED | Compression::SNAPPY => Ok(group.get_column_reader(index)?),
        other => Err(Fault::new(
            "a table compressed by Snappy or not at all",
            format!("{other}"),
        )),
    }
}

/// Reads all values of a column, none of which may be missing.
macro_rules! values {
    ($reader:expr) => {{
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        loop {
            let (read, ..) =
                $reader.read_records(MAX_ROWS, Some(&mut levels), None, &mut values)?;
            if values.len() < levels.len() {
                return Err(Fault::new("a value in each row", "a row without"));
            }
            if read == 0 || values.len() > MAX_ROWS {
                break values;
            }
        }
    }};
}

fn read_files(group: &dyn RowGroupReader, index: usize) -> Result<Vec<ByteArray>, Fault> {
    match open_column(group, index)? {
        ColumnReader::ByteArrayColumnReader(mut reader) => Ok(values!(reader)),
        _ => Err(Fault::new("image files in bytes", "another type")),
    }
}

fn read_labels(group: &dyn RowGroupReader, index: usize) -> Result<Vec<i64>, Fault> {
    match open_column(group, index)? {
        ColumnReader::Int64ColumnReader(mut reader) => Ok(values!(reader)),
        ColumnReader::Int32ColumnReader(mut reader) => {
            let labels: Vec<i32> = values!(reader);
            Ok(labels.into_iter().map(i64::from).collect())
        }
        _ => Err(Fault::new("labels in whole numbers", "another type")),
    }
}
