//! Image files: what is accepted, and how they are decoded.
//!
//! Pixels are used as they are stored: the orientation in EXIF is not applied, as in torchvision's `ImageFolder`.

use std::{fmt::Display, io::Cursor, path::Path};

use image::{DynamicImage, ImageDecoder, ImageReader};

use super::whole::is_whole;
use crate::{data::DataError, files::failed};

/// Extensions of image files, in lower case.
pub(in crate::data) const EXTENSIONS: [&str; 12] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "bmp", "gif", "webp", "ppm", "pgm", "pbm", "pnm",
];

/// Largest number of pixels. Pillow refuses more as a decompression bomb.
const MAX_PIXELS: u64 = 178_956_970;
/// Largest ratio of the sides. Resizing the shorter side of a thinner image would make the longer one huge.
const MAX_RATIO: u32 = 100;
/// Largest decoded image in bytes: `MAX_PIXELS` in RGB.
const MAX_DECODED: u64 = 512 << 20;
/// Largest file in bytes.
const MAX_FILE: u64 = 1 << 30;

/// An image file in memory, of which header, size and end are as they should be.
pub(in crate::data) struct Photograph<'a> {
    path: &'a Path,
    file: Vec<u8>,
}

impl<'a> Photograph<'a> {
    /// Reads a file and checks its header, its size and its end; decodes nothing.
    pub(in crate::data) fn open(path: &'a Path) -> Result<Self, DataError> {
        let photograph = Self {
            path,
            file: super::read(path, MAX_FILE)?,
        };
        let decoder = photograph.reader()?.into_decoder();
        let decoder = decoder.map_err(|error| photograph.broken(&error))?;
        let (width, height) = decoder.dimensions();
        let decoded_bytes = decoder.total_bytes();
        drop(decoder);
        let [shorter, longer] = [width.min(height), width.max(height)];
        let pixels = u64::from(width) * u64::from(height);
        if shorter == 0 {
            return Err(photograph.broken(&"no pixels"));
        }
        if pixels > MAX_PIXELS || decoded_bytes > MAX_DECODED {
            let reason = format!(
                "{width}x{height} pixels; at most {MAX_PIXELS} pixels and {} MiB are decoded",
                MAX_DECODED >> 20
            );
            return Err(photograph.broken(&reason));
        }
        if longer / shorter > MAX_RATIO {
            let reason = format!(
                "{width}x{height} pixels; the longer side may have {MAX_RATIO} times the shorter"
            );
            return Err(photograph.broken(&reason));
        }
        match is_whole(&photograph.file, decoded_bytes) {
            true => Ok(photograph),
            false => Err(photograph.broken(&"truncated")),
        }
    }

    /// The pixels, as they are stored.
    pub(in crate::data) fn decode(self) -> Result<DynamicImage, DataError> {
        let decoded = self.reader()?.decode();
        decoded.map_err(|error| self.broken(&error))
    }

    fn reader(&self) -> Result<ImageReader<Cursor<&[u8]>>, DataError> {
        let reader = ImageReader::new(Cursor::new(self.file.as_slice())).with_guessed_format();
        Ok(reader.map_err(failed("read", self.path))?)
    }

    fn broken(&self, reason: &dyn Display) -> DataError {
        DataError::Image {
            path: self.path.to_owned(),
            // Some decoders report in several lines.
            reason: reason.to_string().replace('\n', " "),
        }
    }
}
