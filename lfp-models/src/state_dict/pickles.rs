//! The number of values that a pickle makes, counted before it is read: a byte of a file can become a hundred in memory.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

/// The most instructions of a pickle. The state of the largest networks takes a tenth of it.
const MOST_INSTRUCTIONS: usize = 1_000_000;
/// The largest description of tensors in an archive. It may be compressed, so the file's size does not bound it.
const LARGEST_DESCRIPTION: u64 = 16 << 20;
/// The longest line within a pickle, such as the name of a class.
const LONGEST_LINE: u64 = 1 << 16;
/// The pickles of a file before PyTorch 1.6: magic number, version, machine, content, storages.
const LEGACY_PICKLES: usize = 5;

/// Checks that the pickles of a file of PyTorch are not too large to be read.
///
/// # Errors
///
/// What is too large. Anything else that is wrong with the file is left to its reader.
pub(super) fn check(path: &Path, head: &[u8]) -> Result<(), String> {
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    if head.starts_with(b"PK") {
        return check_archive(file);
    }
    if head.get(257..262) == Some(b"ustar") {
        return check_tar(file);
    }
    let mut reader = BufReader::new(file);
    for _ in 0..LEGACY_PICKLES {
        if check_pickle(&mut reader)? == End::Torn {
            break;
        }
    }
    Ok(())
}

fn check_archive(file: fs::File) -> Result<(), String> {
    let Ok(mut archive) = zip::ZipArchive::new(BufReader::new(file)) else {
        return Ok(());
    };
    for index in 0..archive.len() {
        let Ok(entry) = archive.by_index(index) else {
            continue;
        };
        let description = entry.name().is_ok_and(|name| name.ends_with("data.pkl"));
        if !description {
            continue;
        }
        if entry.size() > LARGEST_DESCRIPTION {
            return Err(format!(
                "the description of the tensors has {} bytes, more than {LARGEST_DESCRIPTION}",
                entry.size()
            ));
        }
        check_pickle(&mut BufReader::new(entry.take(LARGEST_DESCRIPTION)))?;
    }
    Ok(())
}

fn check_tar(file: fs::File) -> Result<(), String> {
    let mut archive = tar::Archive::new(BufReader::new(file));
    let Ok(entries) = archive.entries() else {
        return Ok(());
    };
    for entry in entries {
        let Ok(entry) = entry else {
            return Ok(());
        };
        let content = entry
            .path()
            .is_ok_and(|path| path.file_name().is_some_and(|name| name == "pickle"));
        if content {
            check_pickle(&mut BufReader::new(entry))?;
        }
    }
    Ok(())
}

#[derive(PartialEq, Eq)]
enum End {
    Stopped,
    Torn,
}

/// Reads one pickle up to its end.
fn check_pickle(reader: &mut impl BufRead) -> Result<End, String> {
    for _ in 0..MOST_INSTRUCTIONS {
        match instruction(reader) {
            Ok(b'.') => return Ok(End::Stopped),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(error.to_string());
            }
            Err(_) => return Ok(End::Torn),
        }
    }
    Err(format!(
        "the description of the tensors has more than {MOST_INSTRUCTIONS} parts"
    ))
}

/// Reads one instruction with its argument.
fn instruction(reader: &mut impl BufRead) -> io::Result<u8> {
    let [code] = array(reader)?;
    let argument = match code {
        b'K' | b'h' | b'q' | 0x80 | 0x82 => 1,
        b'M' | 0x83 => 2,
        b'J' | b'j' | b'r' | 0x84 => 4,
        b'G' | 0x95 => 8,
        b'U' | b'C' | 0x8a | 0x8c => u64::from(u8::from_le_bytes(array(reader)?)),
        b'T' | b'B' | b'X' | 0x8b => u64::from(u32::from_le_bytes(array(reader)?)),
        0x8d | 0x8e | 0x96 => u64::from_le_bytes(array(reader)?),
        b'I' | b'L' | b'F' | b'V' | b'S' | b'g' | b'p' | b'P' => {
            return line(reader).map(|()| code);
        }
        b'c' | b'i' => {
            line(reader)?;
            return line(reader).map(|()| code);
        }
        _ => 0,
    };
    let skipped = io::copy(&mut reader.take(argument), &mut io::sink())?;
    match skipped == argument {
        true => Ok(code),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn array<const N: usize>(reader: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn line(reader: &mut impl BufRead) -> io::Result<()> {
    let mut line = Vec::new();
    let length = reader.take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    match line.ends_with(b"\n") {
        true => Ok(()),
        false if length as u64 == LONGEST_LINE => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!(
                "the description of the tensors has a name of more than {LONGEST_LINE} letters"
            ),
        )),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_file_that_makes_millions_of_values_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bomb.pth");
        let bomb = [&b"\x80\x02"[..], &[b'N'; 2_000_000]].concat();
        fs::write(&path, &bomb).unwrap();
        let error = check(&path, &bomb).unwrap_err();
        assert!(error.contains("more than 1000000 parts"), "{error}");
    }

    #[test]
    fn arguments_are_no_instructions() {
        // A string of dots, which would each end the pickle.
        let mut pickle: &[u8] = b"\x80\x02X\x03\x00\x00\x00...K\x2e.rest";
        assert!(check_pickle(&mut pickle) == Ok(End::Stopped));
        assert_eq!(pickle, b"rest");
    }
}
