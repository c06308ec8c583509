//! Reads a pickle of any protocol, 0 to 5, into a table of values. Nothing is imported or called.
//!
//! A value that the pickle refers to several times is stored once, and a value refers to others by their number. So neither
//! depth nor repetition costs more memory than the file has bytes, and nothing is recursive.

use std::{borrow::Cow, collections::HashMap};

use super::text;

/// Largest number of steps that make or repeat a value. The largest file of CIFAR makes 200,000.
const MAX_STEPS: usize = 4_000_000;

/// Number of a value in its [`Pickle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id(usize);

/// A value. Numbers and text are those of Python.
#[derive(Debug)]
pub(super) enum Value<'a> {
    None,
    Bool(bool),
    Int(i64),
    Float,
    Bytes(Cow<'a, [u8]>),
    Text(Cow<'a, str>),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// Sets, which no data set has.
    Other,
    /// A class or function by its module and its name, which are texts.
    Global {
        module: Id,
        name: Id,
    },
    /// What a class or function would return for a tuple of arguments, and the state that it would be given.
    Object {
        class: Id,
        arguments: Id,
        state: Option<Id>,
    },
}

/// A file that is no pickle, or one that this machine does not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum PickleError {
    #[error("it ends in the middle")]
    Ends,
    #[error("byte {0} is no instruction of a pickle")]
    Unknown(usize),
    #[error("byte {0} needs objects that are not in the file")]
    Foreign(usize),
    #[error("an operand before byte {0} is missing or of the wrong type")]
    Operand(usize),
    #[error("more than {MAX_STEPS} values")]
    TooMany,
}

/// The values of a pickle.
#[derive(Debug)]
pub(super) struct Pickle<'a> {
    values: Vec<Value<'a>>,
    root: Id,
}

impl<'a> Pickle<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, PickleError> {
        Machine {
            bytes,
            at: 0,
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            steps: 0,
        }
        .run()
    }

    pub(super) fn root(&self) -> &Value<'a> {
        self.get(self.root)
    }

    pub(super) fn get(&self, id: Id) -> &Value<'a> {
        self.values.get(id.0).unwrap_or(&Value::None)
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
    steps: usize,
}

type Step = Result<(), PickleError>;

impl<'a> Machine<'a> {
    fn run(mut self) -> Result<Pickle<'a>, PickleError> {
        loop {
            let [code] = self.number()?;
            match code {
                b'.' => {
                    let root = self.pop()?;
                    return Ok(Pickle {
                        values: self.values,
                        root,
                    });
                }
                // Protocol and frames, of which the contents follow as usual.
                0x80 => drop(self.number::<1>()?),
                0x95 => drop(self.number::<8>()?),
                b'(' | b'0' | b'1' | b'2' => self.arrange(code)?,
                b'p' | b'q' | b'r' | 0x94 | b'g' | b'h' | b'j' => self.remember(code)?,
                b'I' | b'L' | b'F' | b'J' | b'K' | b'M' | b'G' | b'N' | 0x88..=0x8b => {
                    self.scalar(code)?;
                }
                b'S' | b'T' | b'U' | b'V' | b'X' | b'B' | b'C' | 0x8c..=0x8e | 0x96 => {
                    self.string(code)?;
                }
                b']' | b'}' | b')' | b'l' | b'd' | b't' | 0x85..=0x87 | 0x8f | 0x91 => {
                    self.collection(code)?;
                }
                b'a' | b'e' | b's' | b'u' | 0x90 => self.extend(code)?,
                b'c' | 0x93 | b'R' | 0x81 | b'b' => self.object(code)?,
                // Read-only data is read like any other.
                0x98 => {}
                // Persistent identifiers, registered extensions, buffers and old classes are not in the file.
                b'P' | b'Q' | 0x82..=0x84 | 0x97 | b'i' | b'o' | 0x92 => {
                    return Err(PickleError::Foreign(self.at - 1));
                }
                _ => return Err(PickleError::Unknown(self.at - 1)),
            }
        }
    }

    /// Marks, and what changes the stack alone.
    fn arrange(&mut self, code: u8) -> Step {
        match code {
            b'(' => {
                self.count()?;
                self.marks.push(self.stack.len());
            }
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_mark()?),
            _ => {
                let top = self.top()?;
                self.push_again(top)?;
            }
        }
        Ok(())
    }

    fn remember(&mut self, code: u8) -> Step {
        let key = match code {
            b'p' | b'g' => self.line()?.parse().map_err(|_| self.operand())?,
            b'q' | b'h' => u64::from(u8::from_le_bytes(self.number()?)),
            b'r' | b'j' => u64::from(u32::from_le_bytes(self.number()?)),
            _ => self.memo.len() as u64,
        };
        match code {
            b'g' | b'h' | b'j' => {
                let value = self.memo.get(&key).copied();
                let value = value.ok_or_else(|| self.operand())?;
                self.push_again(value)
            }
            _ => {
                self.count()?;
                let top = self.top()?;
                self.memo.insert(key, top);
                Ok(())
            }
        }
    }

    fn scalar(&mut self, code: u8) -> Step {
        let value = match code {
            b'N' => Value::None,
            0x88 => Value::Bool(true),
            0x89 => Value::Bool(false),
            b'K' => Value::Int(u8::from_le_bytes(self.number()?).into()),
            b'M' => Value::Int(u16::from_le_bytes(self.number()?).into()),
            b'J' => Value::Int(i32::from_le_bytes(self.number()?).into()),
            b'G' => self.number::<8>().map(|_| Value::Float)?,
            b'F' => self.line().map(|_| Value::Float)?,
            b'I' => match self.line()? {
                "00" => Value::Bool(false),
                "01" => Value::Bool(true),
                number => Value::Int(number.parse().map_err(|_| self.operand())?),
            },
            b'L' => {
                let number = self.line()?.trim_end_matches('L');
                Value::Int(number.parse().map_err(|_| self.operand())?)
            }
            _ => {
                let length = match code {
                    0x8a => u64::from(u8::from_le_bytes(self.number()?)),
                    _ => u64::from(u32::from_le_bytes(self.number()?)),
                };
                let bytes = self.take(length)?;
                Value::Int(text::long(bytes).ok_or_else(|| self.operand())?)
            }
        };
        self.push(value)
    }

    fn string(&mut self, code: u8) -> Step {
        let value = match code {
            b'S' => {
                let line = self.line()?;
                let bytes = text::quoted(line).ok_or_else(|| self.operand())?;
                Value::Bytes(Cow::Owned(bytes))
            }
            b'V' => {
                let line = self.line_of_bytes()?;
                let unescaped = text::raw_unicode(line).ok_or_else(|| self.operand())?;
                Value::Text(Cow::Owned(unescaped))
            }
            _ => {
                let length = match code {
                    b'U' | b'C' | 0x8c => u64::from(u8::from_le_bytes(self.number()?)),
                    b'T' | b'X' | b'B' => u64::from(u32::from_le_bytes(self.number()?)),
                    _ => u64::from_le_bytes(self.number()?),
                };
                let bytes = self.take(length)?;
                match code {
                    b'X' | 0x8c | 0x8d => {
                        // Python's lone surrogates are no UTF-8, and appear in no data set.
                        let text = std::str::from_utf8(bytes).map_err(|_| self.operand())?;
                        Value::Text(Cow::Borrowed(text))
                    }
                    _ => Value::Bytes(Cow::Borrowed(bytes)),
                }
            }
        };
        self.push(value)
    }

    fn collection(&mut self, code: u8) -> Step {
        let value = match code {
            b']' => Value::List(Vec::new()),
            b'}' => Value::Dict(Vec::new()),
            b')' => Value::Tuple(Vec::new()),
            b'l' => Value::List(self.pop_mark()?),
            b't' => Value::Tuple(self.pop_mark()?),
            b'd' => {
                let items = self.pop_mark()?;
                Value::Dict(self.pairs(&items)?)
            }
            0x8f => Value::Other,
            0x91 => self.pop_mark().map(|_| Value::Other)?,
            _ => {
                let mut items = Vec::new();
                for _ in 0x85..=code {
                    items.push(self.pop()?);
                }
                items.reverse();
                Value::Tuple(items)
            }
        };
        self.push(value)
    }

    /// Adds items to the collection on top of the stack.
    fn extend(&mut self, code: u8) -> Step {
        let items = match code {
            b'a' => vec![self.pop()?],
            b's' => {
                let value = self.pop()?;
                vec![self.pop()?, value]
            }
            _ => self.pop_mark()?,
        };
        let pairs = match code {
            b's' | b'u' => self.pairs(&items)?,
            _ => Vec::new(),
        };
        let top = self.top()?;
        match (self.values.get_mut(top.0), code) {
            (Some(Value::List(list)), b'a' | b'e') => list.extend(items),
            (Some(Value::Dict(entries)), b's' | b'u') => entries.extend(pairs),
            (Some(Value::Other), 0x90) => {}
            _ => return Err(self.operand()),
        }
        Ok(())
    }

    fn object(&mut self, code: u8) -> Step {
        match code {
            b'c' => {
                let module = Value::Text(Cow::Borrowed(self.line()?));
                let name = Value::Text(Cow::Borrowed(self.line()?));
                let (module, name) = (self.store(module)?, self.store(name)?);
                self.push(Value::Global { module, name })
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let is_text = |id: Id| matches!(self.values.get(id.0), Some(Value::Text(_)));
                match is_text(module) && is_text(name) {
                    true => self.push(Value::Global { module, name }),
                    false => Err(self.operand()),
                }
            }
            b'b' => {
                let new = self.pop()?;
                let top = self.top()?;
                match self.values.get_mut(top.0) {
                    Some(Value::Object { state, .. }) => {
                        *state = Some(new);
                        Ok(())
                    }
                    _ => Err(self.operand()),
                }
            }
            _ => {
                let (arguments, class) = (self.pop()?, self.pop()?);
                self.push(Value::Object {
                    class,
                    arguments,
                    state: None,
                })
            }
        }
    }

    fn pairs(&self, items: &[Id]) -> Result<Vec<(Id, Id)>, PickleError> {
        match items.as_chunks::<2>() {
            (pairs, []) => Ok(pairs.iter().map(|&[key, value]| (key, value)).collect()),
            _ => Err(self.operand()),
        }
    }

    fn push(&mut self, value: Value<'a>) -> Step {
        let id = self.store(value)?;
        self.stack.push(id);
        Ok(())
    }

    /// Keeps a value that is not on the stack.
    fn store(&mut self, value: Value<'a>) -> Result<Id, PickleError> {
        self.count()?;
        self.values.push(value);
        Ok(Id(self.values.len() - 1))
    }

    fn push_again(&mut self, id: Id) -> Step {
        self.count()?;
        self.stack.push(id);
        Ok(())
    }

    fn count(&mut self) -> Step {
        self.steps += 1;
        match self.steps > MAX_STEPS {
            true => Err(PickleError::TooMany),
            false => Ok(()),
        }
    }

    /// The topmost value above the last mark.
    fn top(&self) -> Result<Id, PickleError> {
        let floor = self.marks.last().copied().unwrap_or_default();
        let above = self.stack.get(floor..).and_then(<[Id]>::last);
        above.copied().ok_or_else(|| self.operand())
    }

    fn pop(&mut self) -> Result<Id, PickleError> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    /// The values above the last mark.
    fn pop_mark(&mut self) -> Result<Vec<Id>, PickleError> {
        let floor = self.marks.pop().ok_or_else(|| self.operand())?;
        Ok(self.stack.split_off(floor.min(self.stack.len())))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], PickleError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = usize::try_from(length).map_err(|_| PickleError::Ends)?;
        let taken = rest.get(..length).ok_or(PickleError::Ends)?;
        self.at += length;
        Ok(taken)
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N], PickleError> {
        let bytes = self.take(N as u64)?;
        bytes.first_chunk().copied().ok_or(PickleError::Ends)
    }

    /// What comes before the next line end.
    fn line_of_bytes(&mut self) -> Result<&'a [u8], PickleError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|&byte| byte == b'\n');
        let line = self.take(length.ok_or(PickleError::Ends)? as u64)?;
        self.at += 1;
        Ok(line)
    }

    fn line(&mut self) -> Result<&'a str, PickleError> {
        let text = std::str::from_utf8(self.line_of_bytes()?);
        let text = text.map_err(|_| self.operand())?;
        Ok(text.trim_end_matches('\r'))
    }

    fn operand(&self) -> PickleError {
        PickleError::Operand(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(bytes: &[u8]) -> String {
        Pickle::parse(bytes).unwrap_err().to_string()
    }

    #[test]
    fn depth_and_repetition_take_no_more_than_the_file() {
        // A tuple in a tuple, a million times.
        let nested = [&b")"[..], &b"\x85".repeat(1_000_000), b"."].concat();
        let pickle = Pickle::parse(&nested).unwrap();
        assert_eq!(pickle.values.len(), 1_000_001);
        drop(pickle);
        // A tuple of ten times a tuple of ten times a tuple: 10^40 values in full.
        let level = [&b"q\x000("[..], &b"h\x00".repeat(10), b"t"].concat();
        let bomb = [&b"K\x01"[..], &level.repeat(40), b"."].concat();
        assert_eq!(Pickle::parse(&bomb).unwrap().values.len(), 41);
        // A text of 4 KB that names a class a hundred thousand times.
        let text = [&b"V"[..], &b"x".repeat(4096), b"\nq\x00"].concat();
        let classes = [&text[..], &b"h\x00h\x00\x93".repeat(100_000), b"."].concat();
        let pickle = Pickle::parse(&classes).unwrap();
        let owned = pickle.values.iter().map(|value| match value {
            Value::Text(Cow::Owned(text)) => text.len(),
            _ => 0,
        });
        assert_eq!(owned.sum::<usize>(), 4096);
        let marks = b"(".repeat(MAX_STEPS + 1);
        assert!(error_of(&marks).contains("more than 4000000 values"));
    }

    #[test]
    fn a_length_beyond_the_end_reserves_nothing() {
        let long = [&b"\x8e"[..], &u64::MAX.to_le_bytes(), b"x"].concat();
        assert!(error_of(&long).contains("ends in the middle"));
        assert!(error_of(b"X\xff\xff\xff\xffx").contains("ends in the middle"));
        assert!(error_of(b"").contains("ends in the middle"));
    }

    #[test]
    fn instructions_out_of_place_are_refused() {
        for bytes in [
            &b"."[..],
            b"0.",
            b"t.",
            b"(.",
            b"h\x00.",
            b"K\x01a.",
            b"]K\x01K\x02s.",
            b"}(K\x01u.",
            b"K\x01K\x02b.",
            b"I1x\n.",
            b"S'a\n.",
            b"X\x01\x00\x00\x00\xff.",
            b"(K\x010.",
        ] {
            let result = Pickle::parse(bytes);
            let refused = matches!(result, Err(PickleError::Operand(_)));
            assert!(refused, "{bytes:?}: {result:?}");
        }
        assert!(error_of(b"Pabc\n.").contains("not in the file"));
        assert!(error_of(b"\x97.").contains("not in the file"));
        assert!(error_of(b"<!DOCTYPE html>").contains("no instruction"));
    }
}
