//! Image files: what is accepted, and how they are decoded.
//!
//! Pixels are used as they are stored: the orientation in EXIF is not applied, as in torchvision's `ImageFolder`.

use std::{fmt::Display, io::Cursor, path::Path};

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, guess_format};

use super::whole::is_whole;
use crate::{data::DataError, files::failed};

/// Extensions of image files, in lower case.
pub(in crate::data) const EXTENSIONS: [&str; 14] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "bmp", "gif", "webp", "ppm", "pgm", "pbm", "pnm", "tif",
    "tiff",
];

/// Largest number of pixels. Pillow refuses more as a decompression bomb.
const MAX_PIXELS: u64 = 178_956_970;
/// Largest ratio of the sides. Resizing the shorter side of a thinner image would make the longer one huge.
const MAX_RATIO: u32 = 100;
/// Largest decoded image in bytes: `MAX_PIXELS` in RGB.
const MAX_DECODED: u64 = 512 << 20;
/// The same of a TIFF, which the decoder holds twice.
const MAX_TIFF: u64 = MAX_DECODED / 2;
/// Largest file in bytes.
const MAX_FILE: u64 = 1 << 30;

/// An image file.
pub(in crate::data) struct Photograph<'a> {
    path: &'a Path,
}

impl<'a> Photograph<'a> {
    pub(in crate::data) fn new(path: &'a Path) -> Self {
        Self { path }
    }

    /// Reads the file and checks its header, its size and its end; decodes nothing.
    pub(in crate::data) fn check(&self) -> Result<(), DataError> {
        let file = super::read(self.path, MAX_FILE)?;
        self.decoder(&file).map(drop)
    }

    /// The pixels, as they are stored, of a file that is as [`check`](Self::check) requires.
    pub(in crate::data) fn decode(&self) -> Result<DynamicImage, DataError> {
        self.decode_content(&super::read(self.path, MAX_FILE)?)
    }

    /// Width and height of an image file with this content.
    pub(in crate::data) fn size(&self, content: &[u8]) -> Result<(u32, u32), DataError> {
        Ok(self.decoder(content)?.dimensions())
    }

    /// The pixels of an image file with this content.
    pub(in crate::data) fn decode_content(
        &self,
        content: &[u8],
    ) -> Result<DynamicImage, DataError> {
        let mut decoder = self.decoder(content)?;
        // Output and memory of the decoder share the limit; the decoder of TIFF takes the output off itself.
        let mut limits = Limits::default();
        limits.max_alloc = Some(MAX_DECODED);
        let limited = match is_tiff(content) {
            true => Ok(()),
            false => limits.reserve(decoder.total_bytes()),
        };
        limited
            .and_then(|()| decoder.set_limits(limits))
            .and_then(|()| DynamicImage::from_decoder(decoder))
            .map_err(|error| self.broken(&error))
    }

    /// The decoder of an image of which header, size and end are as they should be.
    fn decoder<'f>(&self, file: &'f [u8]) -> Result<impl ImageDecoder + 'f, DataError> {
        let reader = ImageReader::new(Cursor::new(file)).with_guessed_format();
        let decoder = reader.map_err(failed("read", self.path))?.into_decoder();
        // Some decoders need the end of the file at once, and say less clearly that it is missing.
        let decoder = decoder.map_err(|error| match is_whole(file, 0) {
            true => self.broken(&error),
            false => self.broken(&"truncated"),
        })?;
        let (width, height) = decoder.dimensions();
        let decoded_bytes = decoder.total_bytes();
        let [shorter, longer] = [width.min(height), width.max(height)];
        let pixels = u64::from(width) * u64::from(height);
        if shorter == 0 {
            return Err(self.broken(&"no pixels"));
        }
        let most = if is_tiff(file) { MAX_TIFF } else { MAX_DECODED };
        if pixels > MAX_PIXELS || decoded_bytes > most {
            let reason = format!(
                "{width}x{height} pixels; at most {MAX_PIXELS} pixels and {} MiB are decoded",
                most >> 20
            );
            return Err(self.broken(&reason));
        }
        if longer / shorter > MAX_RATIO {
            let reason = format!(
                "{width}x{height} pixels; the longer side may have {MAX_RATIO} times the shorter"
            );
            return Err(self.broken(&reason));
        }
        match is_whole(file, decoded_bytes) {
            true => Ok(decoder),
            false => Err(self.broken(&"truncated")),
        }
    }

    fn broken(&self, reason: &dyn Display) -> DataError {
        DataError::Image {
            path: self.path.to_owned(),
            // Some decoders report in several lines.
            reason: reason.to_string().replace('\n', " "),
        }
    }
}

fn is_tiff(content: &[u8]) -> bool {
    guess_format(content).is_ok_and(|format| format == ImageFormat::Tiff)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A TIFF of one strip in 16-bit grey, whose pixels are missing.
    fn tiff(side: u32) -> Vec<u8> {
        let long = 4;
        let short = 3;
        let fields: [(u16, u16, u32); 9] = [
            (256, long, side),
            (257, long, side),
            (258, short, 16),
            // Deflate: the length of the strip says nothing about that of the pixels.
            (259, short, 8),
            (262, short, 1),
            (273, long, 8),
            (277, short, 1),
            (278, long, side),
            (279, long, 4),
        ];
        let mut file = b"II*\0".to_vec();
        file.extend(8u32.to_le_bytes());
        file.extend((fields.len() as u16).to_le_bytes());
        for (tag, kind, value) in fields {
            file.extend(tag.to_le_bytes());
            file.extend(kind.to_le_bytes());
            file.extend(1u32.to_le_bytes());
            file.extend(value.to_le_bytes());
        }
        file.extend(0u32.to_le_bytes());
        file
    }

    #[test]
    fn a_tiff_that_cannot_be_decoded_for_its_size_is_refused_by_the_check() {
        let photograph = Photograph::new(Path::new("1.tif"));
        // 256 and 275 MiB.
        assert_eq!(photograph.size(&tiff(11_585)).unwrap(), (11_585, 11_585));
        let error = photograph.size(&tiff(12_000)).unwrap_err().to_string();
        assert!(error.contains("256 MiB are decoded"), "{error}");
    }
}
