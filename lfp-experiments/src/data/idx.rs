//! IDX, the file format of MNIST: a magic number that names element type and rank, the sizes, the
//! elements.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;

use crate::files::{self, FileError};

/// A file that is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum IdxError {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It looks compressed and is not, or not to the end.
    #[error(
        "{path}: broken gzip file ({source}); fetch it again", path = path.display()
    )]
    Gzip {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: std::io::Error,
    },
    /// Another format.
    #[error(
        "{path}: expected an IDX file of bytes in {rank} dimensions (magic number \
         {expected:#010x}), found {found:#010x}; is it the right file?",
        path = path.display(), expected = 0x800 + rank
    )]
    Magic {
        /// Which.
        path: PathBuf,
        /// The rank it should have.
        rank: usize,
        /// Its first four bytes.
        found: u32,
    },
    /// More or less than its header promises.
    #[error(
        "{path}: expected {expected} bytes by its header, found {found}; fetch it again",
        path = path.display()
    )]
    Length {
        /// Which.
        path: PathBuf,
        /// Bytes promised.
        expected: usize,
        /// Bytes there.
        found: usize,
    },
}

/// An array of bytes.
#[derive(Debug)]
pub(super) struct Idx<const RANK: usize> {
    pub(super) sizes: [usize; RANK],
    pub(super) bytes: Vec<u8>,
}

impl<const RANK: usize> Idx<RANK> {
    const HEADER: usize = 4 * (RANK + 1);

    /// Reads a file, compressed or not.
    pub(super) fn read(path: &Path) -> Result<Self, IdxError> {
        let content = decompressed(path, files::read(path)?)?;
        Self::parse(path, content)
    }

    pub(super) fn parse(path: &Path, mut content: Vec<u8>) -> Result<Self, IdxError> {
        let wrong_length = |expected, found| IdxError::Length {
            path: path.to_owned(),
            expected,
            found,
        };
        let (words, _) = content.as_chunks::<4>();
        let mut words = words.iter().map(|&word| u32::from_be_bytes(word));
        let too_short = || wrong_length(Self::HEADER, content.len());
        let found = words.next().ok_or_else(too_short)?;
        if found as usize != 0x800 + RANK {
            return Err(IdxError::Magic {
                path: path.to_owned(),
                rank: RANK,
                found,
            });
        }
        let mut sizes = [0; RANK];
        for size in &mut sizes {
            *size = words.next().ok_or_else(too_short)? as usize;
        }
        let elements = sizes.iter().copied().fold(1, usize::saturating_mul);
        let expected = elements.saturating_add(Self::HEADER);
        if content.len() != expected {
            return Err(wrong_length(expected, content.len()));
        }
        content.drain(..Self::HEADER);
        Ok(Self {
            sizes,
            bytes: content,
        })
    }
}

/// The content without its gzip wrapping, if it has one.
pub(super) fn decompressed(path: &Path, content: Vec<u8>) -> Result<Vec<u8>, IdxError> {
    if !content.starts_with(&[0x1f, 0x8b]) {
        return Ok(content);
    }
    let mut plain = Vec::new();
    GzDecoder::new(content.as_slice())
        .read_to_end(&mut plain)
        .map_err(|source| IdxError::Gzip {
            path: path.to_owned(),
            source,
        })?;
    Ok(plain)
}
