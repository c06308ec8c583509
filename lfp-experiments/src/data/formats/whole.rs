//! Whether an image file is there to its end, from its structure, without decoding it.

use super::jpeg;

/// Returns `false` if the file ends before its image does. Returns `true` for formats that are not known here, and where
/// the structure does not tell: the decoder then finds the fault.
pub(super) fn is_whole(file: &[u8], decoded_bytes: u64) -> bool {
    match file {
        [0xff, 0xd8, ..] => !jpeg::is_truncated(file),
        [0x89, b'P', b'N', b'G', ..] => png_ends(file).unwrap_or(false),
        [b'G', b'I', b'F', ..] => gif_ends(file).unwrap_or(false),
        [b'R', b'I', b'F', b'F', ..] => webp_ends(file).unwrap_or(false),
        [b'B', b'M', ..] => bmp_ends(file).unwrap_or(true),
        [b'I', b'I', 42, 0, ..] => tiff_ends(file, u16::from_le_bytes, u32::from_le_bytes),
        [b'M', b'M', 0, 42, ..] => tiff_ends(file, u16::from_be_bytes, u32::from_be_bytes),
        [b'P', b'5'..=b'7', ..] => pnm_ends(file, decoded_bytes).unwrap_or(false),
        _ => true,
    }
}

fn number<const N: usize>(file: &[u8], at: usize) -> Option<[u8; N]> {
    file.get(at..)?.first_chunk().copied()
}

/// Chunks of length, type, content and checksum, up to `IEND`.
fn png_ends(file: &[u8]) -> Option<bool> {
    let mut rest = file.get(8..)?;
    loop {
        let length = u32::from_be_bytes(number(rest, 0)?) as usize;
        if &number::<4>(rest, 4)? == b"IEND" {
            return Some(true);
        }
        rest = rest.get(length.checked_add(12)?..)?;
    }
}

/// Blocks up to the end of the first image, which is the one that is used.
fn gif_ends(file: &[u8]) -> Option<bool> {
    let table = |flags: u8| match flags & 0x80 {
        0 => 0,
        _ => 3 << ((flags & 7) + 1),
    };
    let mut rest = file.get(13 + table(*file.get(10)?)..)?;
    loop {
        let (data, is_image) = match rest.first()? {
            0x21 => (2, false),
            0x2c => (11 + table(*rest.get(9)?), true),
            _ => return Some(false),
        };
        rest = rest.get(data..)?;
        while let length @ 1.. = *rest.first()? {
            rest = rest.get(1 + usize::from(length)..)?;
        }
        if is_image {
            return Some(true);
        }
        rest = rest.get(1..)?;
    }
}

/// The length of what follows is in the header.
fn webp_ends(file: &[u8]) -> Option<bool> {
    let length = u32::from_le_bytes(number(file, 4)?) as u64;
    Some(file.len() as u64 >= length + 8)
}

/// Rows of whole words, unless compressed.
fn bmp_ends(file: &[u8]) -> Option<bool> {
    let start = u32::from_le_bytes(number(file, 10)?) as u64;
    let width = i32::from_le_bytes(number(file, 18)?).unsigned_abs() as u64;
    let height = i32::from_le_bytes(number(file, 22)?).unsigned_abs() as u64;
    let bits = u16::from_le_bytes(number(file, 28)?) as u64;
    let compression = u32::from_le_bytes(number(file, 30)?);
    let header = u32::from_le_bytes(number(file, 14)?);
    let is_plain = header >= 40 && matches!(compression, 0 | 3);
    let row = (width * bits).div_ceil(32) * 4;
    Some(!is_plain || file.len() as u64 >= start.saturating_add(row.saturating_mul(height)))
}

/// Strips or tiles, whose places and lengths the first directory lists.
fn tiff_ends(file: &[u8], short: fn([u8; 2]) -> u16, long: fn([u8; 4]) -> u32) -> bool {
    let directory = || {
        let at = long(number(file, 4)?) as usize;
        let entries = usize::from(short(number(file, at)?));
        file.get(at + 2..)?.get(..entries * 12)
    };
    // The whole numbers of a field, inside its entry if they fit there.
    let values = |entry: &[u8]| {
        let count = long(number(entry, 4)?) as usize;
        let size = match short(number(entry, 2)?) {
            3 => 2,
            4 => 4,
            _ => return Some(Vec::new()),
        };
        let length = count.checked_mul(size)?;
        let bytes = match length {
            0..=4 => entry.get(8..)?.get(..length)?,
            _ => file
                .get(long(number(entry, 8)?) as usize..)?
                .get(..length)?,
        };
        let value = |bytes: &[u8]| match size {
            2 => Some(u64::from(short(number(bytes, 0)?))),
            _ => Some(u64::from(long(number(bytes, 0)?))),
        };
        bytes.chunks(size).map(value).collect()
    };
    let check = || {
        let mut places = [Vec::new(), Vec::new()];
        for entry in directory()?.chunks(12) {
            match short(number(entry, 0)?) {
                273 | 324 => places[0] = values(entry)?,
                279 | 325 => places[1] = values(entry)?,
                _ => {}
            }
        }
        let [starts, lengths] = places;
        let mut ends = starts
            .iter()
            .zip(lengths)
            .map(|(start, length)| start + length);
        Some(ends.all(|end| end <= file.len() as u64))
    };
    check().unwrap_or(false)
}

/// A header in text, and a byte or two per value.
fn pnm_ends(file: &[u8], decoded_bytes: u64) -> Option<bool> {
    const END_OF_HEADER: &[u8] = b"ENDHDR\n";
    let header = match file.get(1)? {
        b'7' => {
            let mut places = file.windows(END_OF_HEADER.len());
            places.position(|place| place == END_OF_HEADER)? + END_OF_HEADER.len()
        }
        // The magic number, width, height and largest value, with comments in between.
        _ => {
            let (mut at, mut words) = (0, 0);
            while words < 4 {
                let rest = file.get(at..)?;
                let is_space = |byte: &u8| byte.is_ascii_whitespace();
                at += match rest.first()? {
                    b'#' => rest.iter().position(|&byte| byte == b'\n')?,
                    byte if is_space(byte) => 1,
                    _ => {
                        words += 1;
                        rest.iter().position(is_space)?
                    }
                };
            }
            at + 1
        }
    };
    Some(file.len() as u64 >= decoded_bytes + header as u64)
}
