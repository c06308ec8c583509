//! Pictures inside the page.

use std::{io::Cursor, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use image::{ImageFormat, ImageReader};
use maud::{Markup, Render, html};

/// A PNG picture with its description, as a data URI.
#[derive(Clone, Debug)]
pub struct Picture {
    png: Vec<u8>,
    size: (u32, u32),
    alt: String,
    caption: String,
    pixelated: bool,
}

impl Picture {
    /// A PNG file's content. `alt` describes the picture to those who do not see it.
    ///
    /// # Errors
    ///
    /// If the content is not a complete PNG picture.
    pub fn new(png: Vec<u8>, alt: impl Into<String>) -> image::ImageResult<Self> {
        let picture = ImageReader::with_format(Cursor::new(&png), ImageFormat::Png).decode()?;
        Ok(Self {
            size: (picture.width(), picture.height()),
            png,
            alt: alt.into(),
            caption: String::new(),
            pixelated: false,
        })
    }

    /// Reads a PNG file. See [`new`](Self::new).
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is not a complete PNG picture.
    pub fn read(path: &Path, alt: impl Into<String>) -> image::ImageResult<Self> {
        Self::new(std::fs::read(path)?, alt)
    }

    /// Adds a text below the picture.
    #[must_use]
    pub fn with_caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = caption.into();
        self
    }

    /// Enlarges small pictures with sharp pixels, to at least 112 CSS pixels.
    #[must_use]
    pub fn pixelated(mut self) -> Self {
        self.pixelated = true;
        self
    }
}

impl Render for Picture {
    fn render(&self) -> Markup {
        let (width, height) = self.size;
        let source = format!(
            "data:image/png;base64,{}",
            BASE64_STANDARD.encode(&self.png)
        );
        let class = self.pixelated.then_some("pixels");
        html! {
            figure.picture {
                img src=(source) alt=(self.alt) width=(width) height=(height) class=[class] style={ "--width: " (width) "px" };
                @if !self.caption.is_empty() { figcaption { (self.caption) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;

    fn png() -> Vec<u8> {
        let mut png = Cursor::new(Vec::new());
        let picture = RgbImage::from_fn(16, 8, |x, y| image::Rgb([x as u8 * 9, y as u8 * 31, 7]));
        picture.write_to(&mut png, ImageFormat::Png).unwrap();
        png.into_inner()
    }

    #[test]
    fn a_picture_carries_its_size_and_description() {
        let html = Picture::new(png(), "a \"slope\"").unwrap().render().0;
        assert!(html.contains("width=\"16\" height=\"8\""), "{html}");
        assert!(html.contains("alt=\"a &quot;slope&quot;\""), "{html}");
    }

    #[test]
    fn a_torn_picture_is_refused() {
        let whole = png();
        assert!(Picture::new(whole[..whole.len() / 2].to_vec(), "").is_err());
        assert!(Picture::new(b"<svg>".to_vec(), "").is_err());
    }
}
