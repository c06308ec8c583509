//! Tables of text: comma, semicolon or tab between the cells, with or without quotes and byte order mark, any line ends.

use std::path::{Path, PathBuf};

use csv::{Position, StringRecord};

use crate::data::DataError;

/// Largest table in bytes. That of Kaggle's MNIST has 77 MB.
const MAX_FILE: u64 = 1 << 30;
/// Longest start of a file in which the delimiter is looked for.
const MAX_HEADER: usize = 1 << 16;

/// A table in memory.
pub(in crate::data) struct Table {
    path: PathBuf,
    content: Vec<u8>,
    delimiter: u8,
}

impl Table {
    /// Reads a file. The delimiter is the one of `delimiters` that is most frequent in its first line.
    pub(in crate::data) fn read(path: &Path, delimiters: &[u8]) -> Result<Self, DataError> {
        let mut content = super::read(path, MAX_FILE)?;
        if content.starts_with(&[0xff, 0xfe]) || content.starts_with(&[0xfe, 0xff]) {
            return Err(DataError::malformed(path, "text in UTF-8", "UTF-16"));
        }
        unify_line_ends(&mut content);
        let delimiter = delimiter(&content, delimiters);
        Ok(Self {
            path: path.to_owned(),
            content,
            delimiter,
        })
    }

    /// The rows from the first line on.
    pub(in crate::data) fn rows(
        &self,
    ) -> impl Iterator<Item = Result<StringRecord, csv::Error>> + '_ {
        csv::ReaderBuilder::new()
            .delimiter(self.delimiter)
            .has_headers(false)
            .trim(csv::Trim::All)
            .from_reader(self.content.as_slice())
            .into_records()
    }

    /// The line of a row, from 1.
    pub(in crate::data) fn line(&self, row: &StringRecord) -> u64 {
        row.position().map_or(1, |start| self.line_at(start))
    }

    /// The rest of a line end, and empty lines, belong to the row that follows, for the `csv` crate.
    fn line_at(&self, start: &Position) -> u64 {
        let start_byte = usize::try_from(start.byte()).unwrap_or(usize::MAX);
        let rest = self.content.get(start_byte..).unwrap_or_default();
        let ends = rest.iter().take_while(|byte| b"\r\n".contains(byte));
        start.line() + ends.filter(|byte| **byte == b'\n').count() as u64
    }

    /// The error of a row that cannot be read as `expected`.
    pub(in crate::data) fn unreadable(&self, expected: &str, error: &csv::Error) -> DataError {
        let line = error.position().map_or(1, |start| self.line_at(start));
        DataError::csv(&self.path, line, expected, error)
    }

    /// The error of a row with another content than `expected`.
    pub(in crate::data) fn malformed(
        &self,
        row: &StringRecord,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> DataError {
        DataError::malformed_line(&self.path, self.line(row), expected, found)
    }
}

/// Makes each `\r` that ends a line alone, as on old Macs, a `\n`: the `csv` crate ends a row at both, and counts the latter.
fn unify_line_ends(content: &mut [u8]) {
    let mut bytes = content.iter_mut().peekable();
    while let Some(byte) = bytes.next() {
        let is_last = bytes.peek().is_none_or(|next| **next != b'\n');
        if *byte == b'\r' && is_last {
            *byte = b'\n';
        }
    }
}

/// The most frequent of `delimiters` in the first line with any, outside quotes; the first of them if there is none.
fn delimiter(content: &[u8], delimiters: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = vec![0_usize; delimiters.len()];
    for byte in content.iter().take(MAX_HEADER) {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted && counts.iter().any(|&count| count > 0) => break,
            _ if quoted => {}
            byte => {
                let counted = delimiters.iter().zip(&mut counts);
                counted
                    .filter(|(delimiter, _)| *delimiter == byte)
                    .for_each(|(_, count)| *count += 1);
            }
        }
    }
    let most = counts.iter().max().copied().unwrap_or_default();
    let found = delimiters
        .iter()
        .zip(&counts)
        .find(|(_, count)| **count == most);
    found.map_or(b',', |(delimiter, _)| *delimiter)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of `content` with a number that is not below ten.
    fn lines_above_nine(content: &str) -> Vec<u64> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        std::fs::write(&path, content).unwrap();
        let table = Table::read(&path, b",;").unwrap();
        let rows = table.rows().map(Result::unwrap);
        let above = |row: &StringRecord| row.iter().any(|cell| cell.parse::<u8>().unwrap() > 9);
        rows.filter(above).map(|row| table.line(&row)).collect()
    }

    #[test]
    fn lines_are_counted_alike_for_all_line_ends() {
        // Also of empty lines, and within quotes.
        let content = "1,2\n\n\n3,14\n5,\"\n6\"\n15,7\n8,16\n";
        for end in ["\n", "\r\n", "\r"] {
            let lines = lines_above_nine(&content.replace('\n', end));
            assert_eq!(lines, [4, 7, 8], "{end:?}");
        }
        assert_eq!(lines_above_nine("1;10\r\r\n2;20\n\r3;30"), [1, 3, 5]);
    }

    #[test]
    fn a_row_that_cannot_be_read_is_named_by_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        for end in ["\n", "\r\n", "\r"] {
            std::fs::write(&path, ["1,2", "", "3,4", "5,6,7", ""].join(end)).unwrap();
            let table = Table::read(&path, b",;").unwrap();
            let error = table.rows().find_map(Result::err).unwrap();
            let text = table.unreadable("two numbers", &error).to_string();
            assert!(
                text.ends_with("line 4: expected two numbers, found 3 fields instead of 2"),
                "{end:?}: {text}"
            );
        }
    }

    #[test]
    fn the_delimiter_is_found_outside_quotes() {
        let found = |content: &str| char::from(delimiter(content.as_bytes(), b",;\t"));
        assert_eq!(found("image,MEL,NV\n"), ',');
        assert_eq!(found("image;MEL;NV\r\n1,5;2;3"), ';');
        assert_eq!(found("\"a,b,c,d\"\t\"e\"\n"), '\t');
        assert_eq!(found("\n\nimage;MEL\n"), ';', "after empty lines");
        assert_eq!(found("image\n1;2\n"), ';', "in the second line");
        assert_eq!(found(""), ',');
    }
}
