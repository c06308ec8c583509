//! Detects truncated JPEG files. Decoders fill the missing part with grey and report no error.

const MARKER: u8 = 0xff;
const START_OF_IMAGE: [u8; 2] = [MARKER, 0xd8];
const END_OF_IMAGE: u8 = 0xd9;

/// Whether `file` is a JPEG without the end of its image. `false` for any other format.
pub(super) fn is_truncated(file: &[u8]) -> bool {
    let content = file.strip_prefix(&START_OF_IMAGE);
    content.is_some_and(|content| !has_end(content))
}

/// Whether the end of the image follows, outside segments: these may hold a thumbnail with an end of its own.
///
/// Bytes between segments are skipped, as libjpeg does, and so is the data of a scan, in which 0xff is followed by 0.
fn has_end(mut rest: &[u8]) -> bool {
    while let Some(at) = rest.iter().position(|&byte| byte == MARKER) {
        rest = rest.get(at + 1..).unwrap_or_default();
        match rest.first().copied() {
            Some(END_OF_IMAGE) => return true,
            // A data byte, a fill byte, or a marker without a segment: start, restart, temporary.
            None | Some(0 | MARKER | 0x01 | 0xd0..=0xd8) => {}
            Some(_) => {
                let length = rest.get(1..).and_then(|after| after.first_chunk());
                let length = length.map_or(usize::MAX, |&bytes| u16::from_be_bytes(bytes).into());
                rest = rest.get(length.saturating_add(1)..).unwrap_or_default();
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: [u8; 6] = [0xff, 0xe0, 0, 4, 0xff, 0xd9];
    const SCAN: [u8; 9] = [0xff, 0xda, 0, 2, 17, 0xff, 0, 0xff, 0xd0];
    const END: [u8; 2] = [0xff, 0xd9];

    fn file(parts: &[&[u8]]) -> Vec<u8> {
        [&START_OF_IMAGE[..], &parts.concat()].concat()
    }

    #[test]
    fn an_image_without_its_end_is_truncated() {
        assert!(!is_truncated(&file(&[&SEGMENT, &SCAN, &END])));
        assert!(is_truncated(&file(&[&SEGMENT, &SCAN])));
        assert!(is_truncated(&file(&[&SEGMENT])), "the end of a thumbnail");
        assert!(is_truncated(&file(&[&SEGMENT[..5]])));
        assert!(is_truncated(&START_OF_IMAGE));
        assert!(is_truncated(&file(&[&[0xff]])));
    }

    #[test]
    fn stray_and_fill_bytes_between_segments_are_skipped() {
        let stray = [1, 2, 3];
        let fill = [0xff, 0xff];
        let parts: [&[u8]; 7] = [&SEGMENT, &stray, &SEGMENT, &fill, &SCAN, &SEGMENT, &SCAN];
        assert!(is_truncated(&file(&parts)));
        assert!(!is_truncated(&file(&[&parts.concat()[..], &END])));
        // What follows the image does not matter.
        assert!(!is_truncated(&file(&[&SCAN, &END, &stray])));
    }

    #[test]
    fn other_formats_are_not_judged() {
        assert!(!is_truncated(b"\x89PNG"));
        assert!(!is_truncated(b""));
    }
}
