//! IDX, the file format of MNIST: a magic number with element type and rank, the sizes as big-endian `u32`, the elements.

use std::{
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use byteorder::{BigEndian, ReadBytesExt};
use flate2::read::GzDecoder;

use crate::{
    data::DataError,
    files::{self, failed},
};

/// Largest number of elements. The largest file in this format, of EMNIST, has 547 million.
pub(in crate::data) const MAX_ELEMENTS: usize = 1 << 30;
const GZIP: [u8; 2] = [0x1f, 0x8b];

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

    /// Reads a plain or gzip-compressed file, as far as its header says and no further.
    pub(in crate::data) fn read(path: &Path) -> Result<Self, DataError> {
        let mut file = BufReader::new(files::open(path)?);
        let start = file.fill_buf().map_err(failed("read", path))?;
        match start.starts_with(&GZIP) {
            false => Self::parse(path, file, &|error| failed("read", path)(error).into()),
            true => Self::parse(path, GzDecoder::new(file), &|source| DataError::Gzip {
                path: path.to_owned(),
                source,
            }),
        }
    }

    fn parse(
        path: &Path,
        mut reader: impl Read,
        broken: &dyn Fn(io::Error) -> DataError,
    ) -> Result<Self, DataError> {
        let mut take = |count: usize| {
            let mut bytes = Vec::new();
            let limited = reader.by_ref().take(count as u64);
            let read = { limited }.read_to_end(&mut bytes);
            read.map(|_| bytes).map_err(broken)
        };
        let wrong_length = |expected: usize, found: String| {
            let expected = format!("{expected} bytes according to the header");
            DataError::malformed(path, expected, found)
        };
        let header = take(Self::HEADER)?;
        let mut words = header.as_slice();
        let too_short = |_| wrong_length(Self::HEADER, format!("{} bytes", header.len()));
        let magic = words.read_u32::<BigEndian>().map_err(too_short)?;
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
            *size = words.read_u32::<BigEndian>().map_err(too_short)? as usize;
        }
        let elements = sizes.iter().copied().fold(1, usize::saturating_mul);
        if elements > MAX_ELEMENTS {
            let expected = format!("at most {MAX_ELEMENTS} elements");
            return Err(DataError::malformed(path, expected, format!("{sizes:?}")));
        }
        // One more, to see whether the file ends there.
        let bytes = take(elements + 1)?;
        let found = match bytes.len() {
            length if length == elements => return Ok(Self { sizes, bytes }),
            length if length > elements => "more".to_owned(),
            length => format!("{} bytes", Self::HEADER + length),
        };
        Err(wrong_length(Self::HEADER + elements, found))
    }
}

/// Decompresses `content` if it starts with the magic number of gzip, to at most `limit` bytes.
pub(in crate::data) fn decompressed(content: Vec<u8>, limit: u64) -> io::Result<Vec<u8>> {
    if !content.starts_with(&GZIP) {
        return Ok(content);
    }
    let mut plain = Vec::new();
    let decoder = GzDecoder::new(content.as_slice());
    decoder.take(limit + 1).read_to_end(&mut plain)?;
    match plain.len() as u64 > limit {
        true => Err(io::Error::other(format!(
            "more than {limit} bytes when decompressed"
        ))),
        false => Ok(plain),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn written(content: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        file
    }

    fn error_of(content: &[u8]) -> String {
        let file = written(content);
        Idx::<1>::read(file.path()).unwrap_err().to_string()
    }

    fn compressed(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_file_is_read_as_far_as_its_header_says() {
        let three = [0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9];
        for content in [three.to_vec(), compressed(&three)] {
            let read = Idx::<1>::read(written(&content).path()).unwrap();
            assert_eq!((read.sizes, read.bytes), ([3], vec![7, 8, 9]));
        }
        for content in [
            [&three[..], &[0; 1 << 20]].concat(),
            compressed(&[&three[..], &[0; 1 << 20]].concat()),
        ] {
            let error = error_of(&content);
            assert!(error.contains("expected 11 bytes"), "{error}");
            assert!(error.contains("found more"), "{error}");
        }
    }

    #[test]
    fn a_header_with_impossible_sizes_reserves_nothing() {
        let error = error_of(&[0, 0, 8, 1, 0xff, 0xff, 0xff, 0xff, 1]);
        assert!(error.contains("at most 1073741824 elements"), "{error}");
        // Within the limit, but not in the file.
        let error = error_of(&[0, 0, 8, 1, 0x3f, 0xff, 0xff, 0xff, 1]);
        assert!(error.contains("found 9 bytes"), "{error}");
    }

    #[test]
    fn a_download_expands_to_its_limit_and_no_further() {
        let zeros = compressed(&[0; 1 << 20]);
        assert_eq!(decompressed(zeros.clone(), 1 << 20).unwrap().len(), 1 << 20);
        let error = decompressed(zeros, (1 << 20) - 1).unwrap_err().to_string();
        assert!(error.contains("more than 1048575 bytes"), "{error}");
    }
}
