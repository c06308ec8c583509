//! The Python version of CIFAR: dictionaries with a NumPy array, pickled by Python 2.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde_pickle::{DeOptions, HashableValue, Value};

use crate::{data::DataError, files};

/// A pickled dictionary.
pub(in crate::data) struct Dictionary {
    path: PathBuf,
    entries: BTreeMap<HashableValue, Value>,
}

impl Dictionary {
    pub(in crate::data) fn read(path: &Path) -> Result<Self, DataError> {
        let bytes = files::read(path)?;
        // The reader does not know NumPy's classes: it yields their constructor arguments instead.
        let options = DeOptions::new().replace_unresolved_globals();
        let malformed = |found: String| DataError::malformed(path, "a pickled dictionary", found);
        match serde_pickle::value_from_slice(&bytes, options) {
            Ok(Value::Dict(entries)) => Ok(Self {
                path: path.to_owned(),
                entries,
            }),
            Ok(_) => Err(malformed("another pickled value".to_owned())),
            Err(error) => Err(malformed(format!("no pickle ({error})"))),
        }
    }

    /// Strings of Python 2 are bytes, those of Python 3 are text.
    fn get(&self, key: &str) -> Option<&Value> {
        let bytes = HashableValue::Bytes(key.as_bytes().to_vec());
        let text = HashableValue::String(key.to_owned());
        self.entries.get(&bytes).or_else(|| self.entries.get(&text))
    }

    fn malformed(&self, key: &str, expected: &str) -> DataError {
        let found = match self.get(key) {
            Some(_) => "another value",
            None => "no such key",
        };
        DataError::malformed(&self.path, format!("{expected} under \"{key}\""), found)
    }

    /// A list of numbers from 0 to 255.
    pub(in crate::data) fn bytes_of_numbers(&self, key: &str) -> Result<Vec<u8>, DataError> {
        let byte = |value: &Value| match value {
            Value::I64(number) => u8::try_from(*number).ok(),
            _ => None,
        };
        let bytes = match self.get(key) {
            Some(Value::List(numbers)) => numbers.iter().map(byte).collect(),
            _ => None,
        };
        bytes.ok_or_else(|| self.malformed(key, "a list of numbers from 0 to 255"))
    }

    /// A NumPy array of bytes in row-major order. Its state is `(version, shape, dtype, is_fortran, bytes)`.
    pub(in crate::data) fn array(&self, key: &str) -> Result<Vec<u8>, DataError> {
        let state = match self.get(key) {
            Some(Value::Tuple(state)) => state.as_slice(),
            _ => &[],
        };
        match state {
            [_, _, _, Value::Bool(false), Value::Bytes(bytes)] => Ok(bytes.clone()),
            _ => Err(self.malformed(key, "a NumPy array of bytes")),
        }
    }
}
