//! The dictionaries that the Python version of CIFAR holds: pickled by Python 2, with a NumPy array.

use std::path::{Path, PathBuf};

use serde_pickle::{DeOptions, HashableValue, Value};

use super::DataError;
use crate::files;

/// A pickled dictionary.
pub(super) struct Dictionary {
    path: PathBuf,
    entries: std::collections::BTreeMap<HashableValue, Value>,
}

impl Dictionary {
    pub(super) fn read(path: &Path) -> Result<Self, DataError> {
        let bytes = files::read(path)?;
        // NumPy's classes are not known here: their place is taken by what they were built from.
        let options = DeOptions::new().replace_unresolved_globals();
        let broken = |reason: String| DataError::Broken {
            path: path.to_owned(),
            reason,
        };
        match serde_pickle::value_from_slice(&bytes, options) {
            Ok(Value::Dict(entries)) => Ok(Self {
                path: path.to_owned(),
                entries,
            }),
            Ok(_) => Err(broken("expected a pickled dictionary".to_owned())),
            Err(error) => Err(broken(format!("not a pickled dictionary ({error})"))),
        }
    }

    fn get(&self, key: &str) -> Option<&Value> {
        // Strings of Python 2 are bytes; of Python 3 they are text.
        let bytes = HashableValue::Bytes(key.as_bytes().to_vec());
        let text = HashableValue::String(key.to_owned());
        self.entries.get(&bytes).or_else(|| self.entries.get(&text))
    }

    fn broken(&self, key: &str, expected: &str) -> DataError {
        DataError::Broken {
            path: self.path.clone(),
            reason: format!("expected {expected} under \"{key}\""),
        }
    }

    /// A list of numbers from 0 to 255.
    pub(super) fn bytes_of_numbers(&self, key: &str) -> Result<Vec<u8>, DataError> {
        let byte = |value: &Value| match value {
            Value::I64(number) => u8::try_from(*number).ok(),
            _ => None,
        };
        let bytes = match self.get(key) {
            Some(Value::List(numbers)) => numbers.iter().map(byte).collect(),
            _ => None,
        };
        bytes.ok_or_else(|| self.broken(key, "a list of numbers from 0 to 255"))
    }

    /// A NumPy array of bytes, row by row: the state `(version, shape, type, by column, bytes)`.
    pub(super) fn array(&self, key: &str) -> Result<Vec<u8>, DataError> {
        let state = match self.get(key) {
            Some(Value::Tuple(state)) => state.as_slice(),
            _ => &[],
        };
        match state {
            [_, _, _, Value::Bool(false), Value::Bytes(bytes)] => Ok(bytes.clone()),
            _ => Err(self.broken(key, "a NumPy array of bytes")),
        }
    }
}
