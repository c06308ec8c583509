//! NumPy's arrays and numbers in a pickle, as the calls that would make them again.

use std::borrow::Cow;

use super::machine::{Id, Pickle, Value};

/// Element type of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dtype {
    /// `u`, `i`, `b` and so on.
    kind: u8,
    /// In bytes.
    size: usize,
    is_big_endian: bool,
}

/// An array. Elements are in row-major order unless `is_fortran`.
#[derive(Debug)]
pub(super) struct Array<'p> {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) is_fortran: bool,
    pub(super) bytes: Cow<'p, [u8]>,
}

impl Dtype {
    pub(super) fn is_bytes(self) -> bool {
        self.kind == b'u' && self.size == 1
    }

    /// An integer or a truth value; `None` for other types, and beyond 64 bits.
    fn integer(self, bytes: &[u8]) -> Option<i64> {
        let mut bytes = bytes.to_vec();
        if self.is_big_endian {
            bytes.reverse();
        }
        let fits = matches!(self.kind, b'u' | b'i' | b'b') && bytes.len() <= 8;
        let last = bytes.last().filter(|_| fits)?;
        let fill = match self.kind == b'i' && last & 0x80 != 0 {
            true => 0xff,
            false => 0,
        };
        bytes.resize(8, fill);
        let number = i64::from_le_bytes(bytes.first_chunk().copied()?);
        (self.kind == b'i' || number >= 0).then_some(number)
    }
}

impl Array<'_> {
    pub(super) fn integers(&self) -> Option<Vec<i64>> {
        let sizes = self.shape.iter().chain([&self.dtype.size]);
        if sizes.copied().fold(1, usize::saturating_mul) != self.bytes.len() {
            return None;
        }
        let elements = self.bytes.chunks(self.dtype.size);
        elements.map(|bytes| self.dtype.integer(bytes)).collect()
    }
}

impl Pickle<'_> {
    /// An array: `_reconstruct(...)` with a state of `(version, shape, dtype, is_fortran, bytes)`, or since protocol 5
    /// `_frombuffer(bytes, dtype, shape, order)`.
    pub(super) fn array(&self, id: Id) -> Option<Array<'_>> {
        let (name, arguments, state) = self.call(id, "numpy")?;
        let (shape, dtype, is_fortran, bytes) = match name {
            "_reconstruct" => match self.tuple(state?)? {
                &[_, shape, dtype, is_fortran, bytes] => {
                    let is_fortran = matches!(self.get(is_fortran), Value::Bool(true));
                    (shape, dtype, is_fortran, bytes)
                }
                _ => return None,
            },
            "_frombuffer" => match arguments {
                &[bytes, dtype, shape, order] => {
                    let is_fortran = self.text(order)? == "F";
                    (shape, dtype, is_fortran, bytes)
                }
                _ => return None,
            },
            _ => return None,
        };
        let size = |&id: &Id| match self.get(id) {
            Value::Int(size) => usize::try_from(*size).ok(),
            _ => None,
        };
        let shape: Vec<usize> = self.tuple(shape)?.iter().map(size).collect::<Option<_>>()?;
        let dtype = self.dtype(dtype)?;
        Some(Array {
            dtype,
            shape,
            is_fortran,
            bytes: self.bytes(bytes)?,
        })
    }

    /// An integer of Python or of NumPy, or a truth value.
    pub(super) fn integer(&self, id: Id) -> Option<i64> {
        match self.get(id) {
            Value::Int(number) => Some(*number),
            Value::Bool(truth) => Some((*truth).into()),
            _ => match self.call(id, "numpy")? {
                ("scalar", &[dtype, bytes], _) => self.dtype(dtype)?.integer(&self.bytes(bytes)?),
                _ => None,
            },
        }
    }

    /// `dtype("u1", ...)` with a state of `(version, byte order, ...)`.
    fn dtype(&self, id: Id) -> Option<Dtype> {
        let (name, arguments, state) = self.call(id, "numpy")?;
        let code = match name {
            "dtype" => self.text(*arguments.first()?)?,
            _ => return None,
        };
        let (kind, size) = code.split_at_checked(1)?;
        let order = self.tuple(state?)?.get(1).and_then(|&id| self.text(id));
        Some(Dtype {
            kind: *kind.as_bytes().first()?,
            size: size.parse().ok().filter(|&size| size > 0)?,
            is_big_endian: order? == ">",
        })
    }

    /// Name, arguments and state of an object that a function or class of the package `package` would make.
    fn call(&self, id: Id, package: &str) -> Option<(&str, &[Id], Option<Id>)> {
        let Value::Object {
            class,
            arguments,
            state,
        } = self.get(id)
        else {
            return None;
        };
        match self.get(*class) {
            Value::Global(module, name) if module.split('.').next() == Some(package) => {
                Some((name, self.tuple(*arguments)?, *state))
            }
            _ => None,
        }
    }

    fn tuple(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// Text; Python 2 writes bytes instead.
    fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            Value::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// Whether a value is `text`, or that text as bytes.
    pub(super) fn is(&self, id: Id, text: &str) -> bool {
        match self.get(id) {
            Value::Text(found) => found == text,
            _ => self
                .bytes(id)
                .is_some_and(|bytes| *bytes == *text.as_bytes()),
        }
    }

    /// Bytes. Python 3 writes them as text for protocols before 3: `_codecs.encode(text, "latin1")`.
    fn bytes(&self, id: Id) -> Option<Cow<'_, [u8]>> {
        if let Value::Bytes(bytes) = self.get(id) {
            return Some(Cow::Borrowed(bytes));
        }
        match self.call(id, "_codecs")? {
            ("encode", &[text, encoding], _) if self.text(encoding)? == "latin1" => {
                let characters = self.text(text)?.chars();
                let bytes = characters.map(|character| u8::try_from(u32::from(character)).ok());
                bytes.collect::<Option<Vec<u8>>>().map(Cow::Owned)
            }
            _ => None,
        }
    }
}
