//! CIFAR as pickled by Python 2 and 3, in every protocol.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use lfp_experiments::data::{DataError, DataSet, Split};

use super::{
    cifar::pickled,
    photographs::{fails, load},
};

/// Batches by `generate.py` in that folder, by name.
fn batches() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/pickles");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let name = path
            .file_name()?
            .to_str()?
            .strip_suffix(".pickle.gz")?
            .to_owned();
        let mut content = Vec::new();
        let file = fs::File::open(path).unwrap();
        GzDecoder::new(file).read_to_end(&mut content).unwrap();
        Some((name, content))
    };
    let batches: Vec<_> = files.filter_map(read).collect();
    assert_eq!(batches.len(), 41);
    batches
}

/// Loads CIFAR-10 with `batch` as its test part.
fn load_with(batch: &[u8]) -> Result<Split, DataError> {
    let root = tempfile::tempdir().unwrap();
    let inner = root.path().join("cifar-10-batches-py");
    fs::create_dir(&inner).unwrap();
    let train = pickled("labels", &[0, 1], &[0; 2 * 3072]);
    for number in 1..=5 {
        fs::write(inner.join(format!("data_batch_{number}")), &train).unwrap();
    }
    fs::write(inner.join("test_batch"), batch).unwrap();
    load(DataSet::CIFAR10, root.path())
}

#[test]
fn a_pickle_of_any_protocol_with_any_keys_and_labels_is_read() {
    for (name, batch) in batches() {
        if name.starts_with("refused") {
            continue;
        }
        let data = load_with(&batch).unwrap_or_else(|error| panic!("{name}: {error}"));
        let labels: Vec<u32> = (0..data.test.len())
            .map(|index| data.test.label(index))
            .collect();
        assert_eq!(labels, [3, 8], "{name}");
        for (index, pixel) in [(0, 0), (0, 700), (1, 0), (1, 1023)] {
            let byte = ((index * 3072 + pixel) % 251) as f32;
            let expected = (byte / 255.0 - 0.4911) / 0.2022;
            let found = data.test.read(index, 0).unwrap().values[pixel];
            assert!((found - expected).abs() < 1e-5, "{name}: image {index}");
        }
    }
}

#[test]
fn a_pickle_with_other_contents_is_refused_by_what_it_holds() {
    let mut refused = 0;
    for (name, batch) in batches() {
        let Some(of) = name.strip_prefix("refused-") else {
            continue;
        };
        let words: [&str; 2] = match of {
            "float-pixels" => ["\"data\"", "an array of another type"],
            "column-major" => ["\"data\"", "column-major order"],
            "channels-last" => ["[2, 3, 32, 32]", "[2, 32, 32, 3]"],
            "float-labels" | "strings" => ["\"labels\"", "a list of numbers from 0 to 255"],
            "objects" => ["\"data\"", "a NumPy array of bytes"],
            "list" => ["a pickled dictionary", "another pickled value"],
            other => panic!("{other}"),
        };
        fails(load_with(&batch), &["test_batch", words[0], words[1]]);
        refused += 1;
    }
    assert_eq!(refused, 7);
}
