//! MNIST and CIFAR as Hugging Face publishes them. `tests/parquet/generate.py` writes the tables.

use std::{
    fs,
    path::{Path, PathBuf},
};

use lfp_experiments::data::{DataSet, Samples};
use tempfile::TempDir;

use super::photographs::{fails, load};

fn table(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/parquet");
    folder.join(format!("{name}.parquet"))
}

/// A folder with copies of tables.
fn folder(copies: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, place) in copies {
        let to = root.path().join(place);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(table(name), to).unwrap();
    }
    root
}

fn labels(part: &dyn Samples) -> Vec<u32> {
    (0..part.len()).map(|index| part.label(index)).collect()
}

#[test]
fn mnist_is_read_from_tables_in_the_places_they_are_published_in() {
    for (train, test) in [
        (
            "mnist/train-00000-of-00001.parquet",
            "mnist/test-00000-of-00001.parquet",
        ),
        (
            "data/train-00000-of-00001-a1b2c3.parquet",
            "data/test-00000-of-00001-d4e5f6.parquet",
        ),
        ("train/0000.parquet", "test/0000.parquet"),
        ("mnist-train.PARQUET", "mnist-test.PARQUET"),
    ] {
        for name in ["digits", "plain"] {
            let root = folder(&[(name, train), (name, test)]);
            let data = load(DataSet::MNIST, root.path()).unwrap();
            assert_eq!(data.train.shape(), [1, 28, 28]);
            assert_eq!(labels(&*data.train), [7, 0, 9, 1]);
            assert_eq!(labels(&*data.test), [7, 0, 9, 1]);
            for row in 0..4 {
                let sample = data.train.read(row, 0).unwrap();
                let expected = (0..28 * 28).map(|pixel| {
                    let byte = (37 * row + 5 * (pixel / 28) + 3 * (pixel % 28)) % 251;
                    (byte as f32 / 255.0 - 0.5) / 0.5
                });
                let difference = sample
                    .values
                    .iter()
                    .zip(expected)
                    .map(|(a, b)| (a - b).abs());
                assert!(difference.fold(0.0, f32::max) < 1e-6, "{name}, {train}");
            }
        }
    }
}

#[test]
fn cifar_is_read_from_tables_with_the_labels_of_its_classes() {
    for (data_set, place, expected) in [
        (DataSet::CIFAR10, "plain_text", [7, 0, 9, 1]),
        (DataSet::CIFAR100, "cifar100", [99, 0, 50, 1]),
    ] {
        let at = ["train", "test"].map(|part| format!("{place}/{part}-00000-of-00001.parquet"));
        let root = folder(&[("colours", &at[0]), ("colours", &at[1])]);
        let data = load(data_set, root.path()).unwrap();
        assert_eq!(labels(&*data.train), expected);
        let sample = data.test.read(2, 0).unwrap();
        let (mean, std) = ([0.4911, 0.4820, 0.4467], [0.2022, 0.1993, 0.2009]);
        for (index, value) in sample.values.iter().enumerate() {
            let (channel, y, x) = (index / 1024, index / 32 % 32, index % 32);
            let byte = (37 * 2 + 5 * y + 3 * x + 11 * channel) % 251;
            let expected = (byte as f32 / 255.0 - mean[channel]) / std[channel];
            assert!((value - expected).abs() < 1e-5, "{data_set}, value {index}");
        }
    }
}

#[test]
fn all_tables_of_a_part_are_read_in_order_and_a_missing_one_is_named() {
    let root = folder(&[
        ("digits", "train-00001-of-00002.parquet"),
        ("unlabelled", "train-00000-of-00002.parquet"),
        ("digits", "test-00000-of-00001.parquet"),
    ]);
    let first = ["train-00000-of-00002.parquet", "from 0 to 9", "found -1"];
    fails(load(DataSet::MNIST, root.path()), &first);
    fs::copy(table("plain"), root.path().join(first[0])).unwrap();
    let data = load(DataSet::MNIST, root.path()).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (8, 4));
    fs::remove_file(root.path().join(first[0])).unwrap();
    let words = ["train-00001-of-00002.parquet", "all of 2 tables", "found 1"];
    fails(load(DataSet::MNIST, root.path()), &words);

    let root = folder(&[("digits", "train.parquet")]);
    let words = [
        "train.parquet",
        "a table for testing beside it",
        "found none",
    ];
    fails(load(DataSet::MNIST, root.path()), &words);
}

#[test]
fn a_table_that_is_no_data_set_is_refused_with_the_reason() {
    for (name, words) in [
        ("zstandard", &["compressed by Snappy", "ZSTD"][..]),
        ("missing-image", &["a value in each row", "a row without"]),
        ("missing-label", &["a value in each row", "a row without"]),
        ("unlabelled", &["labels from 0 to 9", "found -1"]),
        ("text-labels", &["labels in whole numbers"]),
        (
            "no-labels",
            &["a column label", "the columns image.bytes, image.path"],
        ),
        (
            "sizes",
            &["row 4", "28x28 pixels, as in the first row", "found 30x30"],
        ),
        ("torn-image", &["row 1", "broken image (truncated)"]),
        ("colours", &["row 1", "shades of grey", "found colours"]),
        // A dictionary holds its one image once: the file has nine kilobytes.
        (
            "repeated",
            &["at most 1073741824 bytes when decoded", "1073807360"],
        ),
    ] {
        let root = folder(&[(name, "train.parquet"), ("digits", "test.parquet")]);
        let words = [&["train.parquet"], words].concat();
        fails(load(DataSet::MNIST, root.path()), &words);
    }
    let root = folder(&[("digits", "train.parquet"), ("digits", "test.parquet")]);
    fails(
        load(DataSet::CIFAR10, root.path()),
        &["row 1", "32x32 pixels", "found 28x28"],
    );
    let whole = fs::read(table("digits")).unwrap();
    // The number of rows in the footer, before the list of row groups.
    let mut fewer = whole.clone();
    let rows = [0x16, 2 * 4, 0x19, 0x1c];
    let mut places = fewer.windows(rows.len());
    let place = places.rposition(|place| place == rows).unwrap();
    fewer[place + 1] = 2 * 5;
    fs::write(root.path().join("train.parquet"), fewer).unwrap();
    fails(
        load(DataSet::MNIST, root.path()),
        &["train.parquet", "5 rows, as its footer says", "found 4"],
    );
    for length in [0, 3, 100, whole.len() - 1] {
        fs::write(root.path().join("train.parquet"), &whole[..length]).unwrap();
        fails(
            load(DataSet::MNIST, root.path()),
            &["train.parquet", "a damaged file"],
        );
    }
}
