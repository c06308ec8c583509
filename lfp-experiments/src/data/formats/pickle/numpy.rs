//! NumPy's arrays and numbers in a pickle, as the calls that would make them again.

use std::borrow::Cow;

use super::machine::{Id, Pickle, Value};

/// Bytes of the longest integer.
const LONGEST_INTEGER: usize = 8;
/// Bytes of the longest code of an element type, such as `u1`, that is read.
const LONGEST_CODE: usize = 8;

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
        if !matches!(self.kind, b'u' | b'i' | b'b') || bytes.len() > LONGEST_INTEGER {
            return None;
        }
        let mut bytes = bytes.to_vec();
        if self.is_big_endian {
            bytes.reverse();
        }
        let last = bytes.last()?;
        let fill = match self.kind == b'i' && last & 0x80 != 0 {
            true => 0xff,
            false => 0,
        };
        bytes.resize(LONGEST_INTEGER, fill);
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
                    let is_fortran = self.is(order, "F");
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
            bytes: self.bytes(bytes, usize::MAX)?,
        })
    }

    /// An integer of Python or of NumPy, or a truth value.
    pub(super) fn integer(&self, id: Id) -> Option<i64> {
        match self.get(id) {
            Value::Int(number) => Some(*number),
            Value::Bool(truth) => Some((*truth).into()),
            _ => match self.call(id, "numpy")? {
                ("scalar", &[dtype, bytes], _) => {
                    let bytes = self.bytes(bytes, LONGEST_INTEGER)?;
                    self.dtype(dtype)?.integer(&bytes)
                }
                _ => None,
            },
        }
    }

    /// `dtype("u1", ...)` with a state of `(version, byte order, ...)`.
    fn dtype(&self, id: Id) -> Option<Dtype> {
        let (name, arguments, state) = self.call(id, "numpy")?;
        let code = match name {
            "dtype" => self.code(*arguments.first()?)?,
            _ => return None,
        };
        let (kind, size) = code.split_at_checked(1)?;
        let &order = self.tuple(state?)?.get(1)?;
        Some(Dtype {
            kind: *kind.as_bytes().first()?,
            size: size.parse().ok().filter(|&size| size > 0)?,
            is_big_endian: self.is(order, ">"),
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
        let &Value::Global { module, name } = self.get(*class) else {
            return None;
        };
        let (Value::Text(module), Value::Text(name)) = (self.get(module), self.get(name)) else {
            return None;
        };
        let inner = module.strip_prefix(package)?;
        let is_inside = inner.is_empty() || inner.starts_with('.');
        is_inside.then_some((&**name, self.tuple(*arguments)?, *state))
    }

    fn tuple(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// The code of an element type, as text or, by Python 2, as bytes.
    fn code(&self, id: Id) -> Option<&str> {
        let bytes = match self.get(id) {
            Value::Text(text) => text.as_bytes(),
            Value::Bytes(bytes) => &**bytes,
            _ => return None,
        };
        // Each number of a list may have this type, and the code may be long.
        let code = (bytes.len() <= LONGEST_CODE).then_some(bytes)?;
        std::str::from_utf8(code).ok()
    }

    /// Whether a value is `text`, in ASCII, or that text as bytes. Nothing is copied: many values may share a long text.
    pub(super) fn is(&self, id: Id, text: &str) -> bool {
        match self.get(id) {
            Value::Text(found) => found == text,
            Value::Bytes(found) => **found == *text.as_bytes(),
            _ => self.encoded(id) == Some(text),
        }
    }

    /// Bytes, unless there are more than `most`.
    fn bytes(&self, id: Id, most: usize) -> Option<Cow<'_, [u8]>> {
        if let Value::Bytes(bytes) = self.get(id) {
            return (bytes.len() <= most).then_some(Cow::Borrowed(bytes));
        }
        // A character of Latin-1 has one or two bytes in UTF-8.
        let text = self.encoded(id)?;
        if text.len() / 2 > most {
            return None;
        }
        let bytes = text
            .chars()
            .map(|character| u8::try_from(u32::from(character)).ok());
        bytes.collect::<Option<Vec<u8>>>().map(Cow::Owned)
    }

    /// The text that stands for bytes in a pickle by Python 3 for protocols before 3: `_codecs.encode(text, "latin1")`.
    fn encoded(&self, id: Id) -> Option<&str> {
        match self.call(id, "_codecs")? {
            ("encode", &[text, encoding], _) if self.is_text(encoding, "latin1") => {
                match self.get(text) {
                    Value::Text(text) => Some(text),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn is_text(&self, id: Id, text: &str) -> bool {
        matches!(self.get(id), Value::Text(found) if found == text)
    }
}
