//! The Python version of CIFAR: dictionaries with a NumPy array, pickled by any version of Python.

mod machine;
mod numpy;
mod text;

use std::path::Path;

use crate::data::DataError;
use machine::{Id, Pickle, Value};

/// Largest file in bytes. That of CIFAR-100 has 155 MB.
const MAX_FILE: u64 = 1 << 30;

/// Reads the file of a pickle.
pub(in crate::data) fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    super::read(path, MAX_FILE)
}

/// A pickled dictionary.
pub(in crate::data) struct Dictionary<'a> {
    path: &'a Path,
    pickle: Pickle<'a>,
}

impl<'a> Dictionary<'a> {
    pub(in crate::data) fn parse(path: &'a Path, bytes: &'a [u8]) -> Result<Self, DataError> {
        let malformed = |found: String| DataError::malformed(path, "a pickled dictionary", found);
        let pickle = Pickle::parse(bytes)
            .map_err(|error| malformed(format!("a pickle that cannot be read ({error})")))?;
        match pickle.root() {
            Value::Dict(_) => Ok(Self { path, pickle }),
            _ => Err(malformed("another pickled value".to_owned())),
        }
    }

    /// The last value under a key.
    fn get(&self, key: &str) -> Option<Id> {
        let Value::Dict(entries) = self.pickle.root() else {
            return None;
        };
        let mut entries = entries.iter().rev();
        let found = entries.find(|(of, _)| self.pickle.is(*of, key));
        found.map(|&(_, value)| value)
    }

    fn malformed(&self, key: &str, expected: &str) -> DataError {
        let found = match self.get(key) {
            Some(_) => "another value",
            None => "no such key",
        };
        DataError::malformed(self.path, format!("{expected} under \"{key}\""), found)
    }

    /// Numbers from 0 to 255: a list of Python's or NumPy's numbers, or an array.
    pub(in crate::data) fn bytes_of_numbers(&self, key: &str) -> Result<Vec<u8>, DataError> {
        let numbers = self.get(key).and_then(|id| match self.pickle.get(id) {
            Value::List(numbers) | Value::Tuple(numbers) => {
                let numbers = numbers.iter();
                numbers.map(|&id| self.pickle.integer(id)).collect()
            }
            _ => self.pickle.array(id)?.integers(),
        });
        let byte = |number| u8::try_from(number).ok();
        let bytes = numbers.and_then(|numbers: Vec<i64>| numbers.into_iter().map(byte).collect());
        bytes.ok_or_else(|| self.malformed(key, "a list of numbers from 0 to 255"))
    }

    /// A NumPy array of bytes in row-major order, and its shape.
    pub(in crate::data) fn array(&self, key: &str) -> Result<(Vec<u8>, Vec<usize>), DataError> {
        let array = self.get(key).and_then(|id| self.pickle.array(id));
        let expected = "a NumPy array of bytes";
        let array = array.ok_or_else(|| self.malformed(key, expected))?;
        let found = match (array.dtype.is_bytes(), array.is_fortran) {
            (false, _) => "an array of another type",
            (true, true) => "an array in column-major order",
            (true, false) => return Ok((array.bytes.into_owned(), array.shape)),
        };
        let expected = format!("{expected} under \"{key}\"");
        Err(DataError::malformed(self.path, expected, found))
    }
}
