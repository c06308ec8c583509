//! IDX, the file format of MNIST: a magic number with element type and rank, the sizes as big-endian `u32`, the elements.

use std::{io::Read, path::Path};

use flate2::read::GzDecoder;

use crate::{data::DataError, files};

/// An array of bytes.
#[derive(Debug)]
pub(in crate::data) struct Idx<const RANK: usize> {
    pub(in crate::data) sizes: [usize; RANK],
    pub(in crate::data) bytes: Vec<u8>,
}

impl<const RANK: usize> Idx<RANK> {
    const HEADER: usize = 4 * (RANK + 1);
    /// Type code 8 (unsigned byte) and the rank.
    const MAGIC: u32 = 0x800 + RANK as u32;

    /// Reads a plain or gzip-compressed file.
    pub(in crate::data) fn read(path: &Path) -> Result<Self, DataError> {
        let content = decompressed(path, files::read(path)?)?;
        Self::parse(path, content)
    }

    fn parse(path: &Path, mut content: Vec<u8>) -> Result<Self, DataError> {
        let length = content.len();
        let wrong_length = |expected: usize| {
            let expected = format!("{expected} bytes according to the header");
            DataError::malformed(path, expected, format!("{length} bytes"))
        };
        let (words, _) = content.as_chunks::<4>();
        let mut words = words.iter().map(|&word| u32::from_be_bytes(word));
        let too_short = || wrong_length(Self::HEADER);
        let magic = words.next().ok_or_else(too_short)?;
        if magic != Self::MAGIC {
            let expected = format!(
                "an IDX file of bytes with {RANK} dimensions (magic number {:#010x})",
                Self::MAGIC
            );
            return Err(DataError::malformed(
                path,
                expected,
                format!("{magic:#010x}"),
            ));
        }
        let mut sizes = [0; RANK];
        for size in &mut sizes {
            *size = words.next().ok_or_else(too_short)? as usize;
        }
        let elements = sizes.iter().copied().fold(1, usize::saturating_mul);
        let expected = elements.saturating_add(Self::HEADER);
        if length != expected {
            return Err(wrong_length(expected));
        }
        content.drain(..Self::HEADER);
        Ok(Self {
            sizes,
            bytes: content,
        })
    }
}

/// Decompresses `content` if it starts with the magic number of gzip.
pub(in crate::data) fn decompressed(path: &Path, content: Vec<u8>) -> Result<Vec<u8>, DataError> {
    if !content.starts_with(&[0x1f, 0x8b]) {
        return Ok(content);
    }
    let mut plain = Vec::new();
    GzDecoder::new(content.as_slice())
        .read_to_end(&mut plain)
        .map_err(|source| DataError::Gzip {
            path: path.to_owned(),
            source,
        })?;
    Ok(plain)
}
