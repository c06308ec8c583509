//! Compared with torchvision's functions on the same picture; see `tests/torchvision/generate.py`.

use std::collections::BTreeMap;

use super::*;

#[test]
fn transforms_agree_with_torchvision() {
    let fixture = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/torchvision/transforms.json"
    );
    let expected = std::fs::read_to_string(fixture).expect("the fixture is part of the repository");
    let mut expected: BTreeMap<String, Vec<f32>> = serde_json::from_str(&expected).expect("JSON");
    let picture = Picture {
        size: 8,
        values: expected.remove("picture").expect("the input"),
    };
    let picture = || picture.clone();
    let affine = Affine {
        degrees: 7.0,
        shift: [1.0, -2.0],
        scale: 0.9,
    };
    let found = [
        ("mirrored", picture().horizontally_flipped()),
        ("upside_down", picture().vertically_flipped()),
        ("blurred", picture().blurred([5, 9], 1.7)),
        ("rotated", picture().transformed(Affine::rotation(23.0))),
        ("affine", picture().transformed(affine)),
        ("brightened", picture().brightened(1.08)),
        ("saturated", picture().saturated(0.93)),
        ("hue_shifted", picture().hue_shifted(-0.07)),
    ];
    assert_eq!(found.len(), expected.len());
    for (name, found) in found {
        for (pixel, (found, expected)) in found.values.iter().zip(&expected[name]).enumerate() {
            let error = (found - expected).abs();
            assert!(
                error < 1e-5,
                "{name}, pixel {pixel}: expected {expected}, found {found}"
            );
        }
    }
}

fn photograph(width: u32, height: u32) -> DynamicImage {
    let pixel =
        |x: u32, y: u32| image::Rgb([(x * 255 / width) as u8, (y * 255 / height) as u8, 90]);
    DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, pixel))
}

fn preparation(augmentation: Augmentation) -> Preparation {
    Preparation {
        size: 16,
        fit: Fit::Stretch,
        filter: FilterType::Triangle,
        augmentation,
        mean: [0.5; 3],
        std: [0.25; 3],
    }
}

#[test]
fn a_center_crop_keeps_the_middle_of_the_longer_side() {
    let crop = Preparation {
        fit: Fit::CenterCrop,
        ..preparation(Augmentation::None)
    };
    let small = crop.resized(photograph(64, 32));
    assert_eq!(small.dimensions(), (16, 16));
    // Columns from a quarter to three quarters of the width, and all rows.
    assert!((i32::from(small.get_pixel(0, 8)[0]) - 66).abs() <= 6);
    assert!((i32::from(small.get_pixel(15, 8)[0]) - 187).abs() <= 6);
    assert!(small.get_pixel(8, 0)[1] <= 8 && small.get_pixel(8, 15)[1] >= 239);
    let stretched = preparation(Augmentation::None).resized(photograph(64, 32));
    assert!(stretched.get_pixel(0, 8)[0] <= 8);
}

#[test]
fn the_variant_alone_determines_the_augmentation() {
    let pixels = preparation(Augmentation::None)
        .resized(photograph(16, 16))
        .into_raw();
    for augmentation in [Augmentation::Flip, Augmentation::Cub, Augmentation::Isic] {
        let preparation = preparation(augmentation);
        let of = |variant| preparation.values(&pixels, variant);
        let variants: Vec<_> = (0..32).map(of).collect();
        assert!((0..32).all(|variant| of(variant) == variants[variant as usize]));
        let others = variants.iter().filter(|values| **values != variants[0]);
        assert!(others.count() >= 8, "{augmentation:?} does not vary");
        assert!(variants.iter().flatten().all(|value| value.is_finite()));
    }
}

#[test]
fn values_are_normalised_by_mean_and_standard_deviation_of_each_channel() {
    let preparation = Preparation {
        mean: [0.0, 0.5, 1.0],
        std: [1.0, 0.5, 2.0],
        size: 1,
        ..preparation(Augmentation::None)
    };
    assert_eq!(preparation.values(&[255, 0, 255], 0), [1.0, -1.0, 0.0]);
}
