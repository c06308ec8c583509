//! The PNG files of figures.
//!
//! A figure has few colours and the shades between them where lines are smoothed. With a palette, its file is a quarter
//! of that with three bytes per pixel. Pictures with many colours, such as photographs, keep all of them.

use std::collections::HashMap;

use ::png::{BitDepth, ColorType, Compression, Encoder, EncodingError, Filter};
use color_quant::NeuQuant;

type Colour = [u8; 3];

/// Colours of a palette.
const PALETTE: usize = 256;
/// How many of them are the most frequent colours themselves, if not all colours fit.
const EXACT: usize = 128;
/// Largest mean difference per channel, of 255, that a palette may cause.
const TOLERANCE: f64 = 0.5;
/// Pixels per sample of the colour quantiser: it has seen each colour once, so that it may take them all.
const SAMPLING: i32 = 1;

/// The content of a PNG file with these pixels, three bytes each.
pub(super) fn png(pixels: &[u8], size: (u32, u32)) -> Result<Vec<u8>, EncodingError> {
    let counts = count(pixels);
    let places = palette(&counts);
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, size.0, size.1);
    encoder.set_compression(Compression::High);
    encoder.set_depth(BitDepth::Eight);
    match &places {
        Some((palette, places)) => {
            encoder.set_color(ColorType::Indexed);
            encoder.set_palette(palette.concat());
            encoder.set_filter(Filter::NoFilter);
            let indices: Vec<u8> = colours(pixels).map(|colour| places[&colour]).collect();
            encoder.write_header()?.write_image_data(&indices)?;
        }
        None => {
            encoder.set_color(ColorType::Rgb);
            encoder.set_filter(Filter::Adaptive);
            encoder.write_header()?.write_image_data(pixels)?;
        }
    }
    Ok(file)
}

fn colours(pixels: &[u8]) -> impl Iterator<Item = Colour> {
    let (colours, _) = pixels.as_chunks();
    colours.iter().copied()
}

/// Colours with their numbers of pixels, the most frequent first.
fn count(pixels: &[u8]) -> Vec<(Colour, usize)> {
    let mut counts: HashMap<Colour, usize> = HashMap::new();
    colours(pixels).for_each(|colour| *counts.entry(colour).or_default() += 1);
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|&(colour, count)| (std::cmp::Reverse(count), colour));
    counts
}

/// A palette, and the place of each colour in it; `None` if a palette would change the picture visibly.
fn palette(counts: &[(Colour, usize)]) -> Option<(Vec<Colour>, HashMap<Colour, u8>)> {
    let all = || counts.iter().map(|(colour, _)| *colour);
    let palette: Vec<Colour> = match counts.len() {
        0..=PALETTE => all().collect(),
        _ => all()
            .take(EXACT)
            .chain(quantised(&counts[EXACT..]))
            .collect(),
    };
    let mut places = HashMap::new();
    let (mut difference, mut pixels) = (0.0, 0.0);
    for &(colour, count) in counts {
        let distance = |place: &usize| distance(palette[*place], colour);
        let place = (0..palette.len()).min_by_key(distance)?;
        difference += count as f64 * f64::from(distance(&place)) / 3.0;
        pixels += count as f64;
        places.insert(colour, place as u8);
    }
    (difference <= TOLERANCE * pixels).then_some((palette, places))
}

/// The sum of the differences of the channels.
fn distance(a: Colour, b: Colour) -> u32 {
    let channels = a.into_iter().zip(b);
    channels.map(|(a, b)| u32::from(a.abs_diff(b))).sum()
}

/// Colours that stand for these.
fn quantised(counts: &[(Colour, usize)]) -> Vec<Colour> {
    let opaque = |&([red, green, blue], _): &(Colour, usize)| [red, green, blue, u8::MAX];
    let samples: Vec<u8> = counts.iter().flat_map(opaque).collect();
    let colours = NeuQuant::new(SAMPLING, PALETTE - EXACT, &samples).color_map_rgb();
    let (colours, _) = colours.as_chunks();
    colours.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(file: &[u8]) -> Vec<u8> {
        image::load_from_memory(file).unwrap().to_rgb8().into_raw()
    }

    #[test]
    fn few_colours_are_kept_exactly() {
        let pixels: Vec<u8> = (0..=255)
            .flat_map(|index| [index, 255 - index, 7])
            .collect();
        let file = png(&pixels, (16, 16)).unwrap();
        assert_eq!(decoded(&file), pixels);
    }

    /// A white page with a line of many shades between two colours.
    #[test]
    fn many_shades_keep_the_frequent_colours_and_change_by_little() {
        let shade = |index: u32| [(index % 251) as u8, (index / 251 * 60) as u8, 200];
        let line: Vec<u8> = (0..1000).flat_map(shade).collect();
        let page = [255, 255, 255].repeat(9_000);
        let pixels = [page, line].concat();
        let file = png(&pixels, (100, 100)).unwrap();
        assert!(file.len() < pixels.len() / 8, "{} bytes", file.len());
        let found = decoded(&file);
        assert_eq!(found[..27_000], pixels[..27_000], "white stays white");
        let differences = found.iter().zip(&pixels).map(|(a, b)| a.abs_diff(*b));
        let largest = differences.max().unwrap();
        assert!((1..=32).contains(&largest), "{largest}");
    }

    #[test]
    fn photographs_keep_all_their_colours() {
        let pixel = |index: u32| index.wrapping_mul(2_654_435_761).to_le_bytes();
        let pixels: Vec<u8> = (0..4096)
            .flat_map(|index| pixel(index)[1..].to_vec())
            .collect();
        let file = png(&pixels, (64, 64)).unwrap();
        assert_eq!(decoded(&file), pixels);
    }
}
