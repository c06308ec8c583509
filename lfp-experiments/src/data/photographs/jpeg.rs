//! Whether a JPEG file is all there. Decoders fill what is missing with grey, and say nothing.

const MARKER: u8 = 0xff;
const START_OF_IMAGE: [u8; 2] = [MARKER, 0xd8];
const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;

/// Whether `file`, if it is a JPEG, has the end of its image. Anything else is left to its decoder.
pub(super) fn is_whole(file: &[u8]) -> bool {
    !file.starts_with(&START_OF_IMAGE) || scan(file).is_some_and(has_end)
}

/// What follows the header, in which a small preview may have an end of its own.
fn scan(file: &[u8]) -> Option<&[u8]> {
    let mut rest = &file[START_OF_IMAGE.len()..];
    loop {
        let [MARKER, kind, after @ ..] = rest else {
            return None;
        };
        match *kind {
            START_OF_SCAN => return Some(after),
            // Markers may be preceded by any number of these.
            MARKER => rest = &rest[1..],
            _ => {
                let length = u16::from_be_bytes(after.first_chunk().copied()?);
                rest = after.get(usize::from(length)..)?;
            }
        }
    }
}

/// Within a scan, what looks like a marker is followed by a zero.
fn has_end(scan: &[u8]) -> bool {
    scan.windows(2).any(|pair| pair == [MARKER, END_OF_IMAGE])
}
