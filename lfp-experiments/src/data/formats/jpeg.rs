//! Detects truncated JPEG files. Decoders fill the missing part with grey and report no error.

const MARKER: u8 = 0xff;
const START_OF_IMAGE: [u8; 2] = [MARKER, 0xd8];
const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;

/// Whether `file` is a JPEG without the end of its image. `false` for any other format: its decoder reports truncation.
pub(in crate::data) fn is_truncated(file: &[u8]) -> bool {
    file.starts_with(&START_OF_IMAGE) && !scan(file).is_some_and(has_end)
}

/// The bytes after the header, which may hold a thumbnail with an end-of-image marker of its own.
fn scan(file: &[u8]) -> Option<&[u8]> {
    let mut rest = &file[START_OF_IMAGE.len()..];
    loop {
        let [MARKER, kind, after @ ..] = rest else {
            return None;
        };
        match *kind {
            START_OF_SCAN => return Some(after),
            // Any number of fill bytes may precede a marker.
            MARKER => rest = &rest[1..],
            _ => {
                let length = u16::from_be_bytes(after.first_chunk().copied()?);
                rest = after.get(usize::from(length)..)?;
            }
        }
    }
}

/// Within a scan, a data byte 0xff is followed by 0x00, so this pair can only be the marker.
fn has_end(scan: &[u8]) -> bool {
    scan.windows(2).any(|pair| pair == [MARKER, END_OF_IMAGE])
}
