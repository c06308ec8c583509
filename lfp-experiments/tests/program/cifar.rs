//! CIFAR in its published file layouts.

use std::{fs, path::PathBuf};

use lfp_experiments::data::DataSet;
use tempfile::TempDir;

use super::{
    REAL_DATA,
    photographs::{READING, counts, fails, load},
};

/// CIFAR records in the binary layout; the brightness depends on the class.
fn cifar_records(count: usize, label_bytes: usize) -> Vec<u8> {
    let record = |index: usize| {
        let class = index % 10;
        let label = std::iter::repeat_n(class as u8, label_bytes);
        let pixels = (0..3072).map(move |pixel| (class * 20 + pixel % 13) as u8);
        label.chain(pixels)
    };
    (0..count).flat_map(record).collect()
}

/// CIFAR-10 in the binary layout with `images` training and 30 test images.
pub(crate) fn cifar_folder(images: usize) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let inner = root.path().join("cifar-10-batches-bin");
    fs::create_dir(&inner).unwrap();
    for batch in 1..=5 {
        let name = format!("data_batch_{batch}.bin");
        fs::write(inner.join(name), cifar_records(images / 5, 1)).unwrap();
    }
    fs::write(inner.join("test_batch.bin"), cifar_records(30, 1)).unwrap();
    root
}

#[test]
fn cifar_is_read_in_its_binary_layout() {
    let root = cifar_folder(100);
    let data = load(DataSet::CIFAR10, root.path()).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (100, 30));
    let sample = data.train.read(13, 0).unwrap();
    assert_eq!(sample.label, 3);
    let pixel = |channel: usize, mean: f32, deviation: f32| {
        let byte = 60 + (channel * 1024) % 13;
        (byte as f32 / 255.0 - mean) / deviation
    };
    assert!((sample.values[0] - pixel(0, 0.4911, 0.2022)).abs() < 1e-5);
    assert!((sample.values[1024] - pixel(1, 0.4820, 0.1993)).abs() < 1e-5);
    assert!((sample.values[2048] - pixel(2, 0.4467, 0.2009)).abs() < 1e-5);

    let torn = root.path().join("cifar-10-batches-bin/data_batch_3.bin");
    let whole = fs::read(&torn).unwrap();
    fs::write(&torn, &whole[..whole.len() - 1]).unwrap();
    fails(
        load(DataSet::CIFAR10, root.path()),
        &["data_batch_3.bin", "3073 bytes"],
    );
    fs::write(&torn, [&[10u8][..], &[0; 3072]].concat()).unwrap();
    fails(
        load(DataSet::CIFAR10, root.path()),
        &["data_batch_3.bin", "labels from 0 to 9", "found 10"],
    );
    fs::remove_file(&torn).unwrap();
    fails(load(DataSet::CIFAR10, root.path()), &["data_batch_3.bin"]);
    fails(
        load(DataSet::CIFAR100, root.path()),
        &["cifar-100-binary", "cifar-100-python"],
    );

    let root = tempfile::tempdir().unwrap();
    let inner = root.path().join("cifar-100-binary");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("train.bin"), cifar_records(20, 2)).unwrap();
    fs::write(inner.join("test.bin"), cifar_records(10, 2)).unwrap();
    let data = load(DataSet::CIFAR100, root.path()).unwrap();
    assert_eq!((data.train.num_classes(), data.train.len()), (100, 20));
    assert_eq!(data.train.label(7), 7);
}

/// A dictionary with a list of labels and a NumPy array of bytes, as pickled by Python 2 for CIFAR.
pub(crate) fn pickled(key: &str, labels: &[u8], pixels: &[u8]) -> Vec<u8> {
    fn short(text: &str) -> Vec<u8> {
        [&[b'U', text.len() as u8], text.as_bytes()].concat()
    }
    let numbers: Vec<u8> = labels.iter().flat_map(|&label| [b'K', label]).collect();
    let rows = (labels.len() as u16).to_le_bytes();
    let parts: [&[u8]; 14] = [
        b"\x80\x02}q\x01(",
        &short("batch_label"),
        &short("training batch 1 of 5"),
        &short(key),
        b"](",
        &numbers,
        b"e",
        &short("data"),
        b"cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85U\x01b\x87Rq\x09(K\x01M",
        &rows,
        b"M\x00\x0c\x86cnumpy\ndtype\nq\x0aU\x02u1K\x00K\x01\x87Rq\x0b(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T",
        &(pixels.len() as u32).to_le_bytes(),
        pixels,
        b"tbu.",
    ];
    parts.concat()
}

#[test]
fn cifar_is_read_in_its_python_layout() {
    let labels: Vec<u8> = (0..10).collect();
    let pixels: Vec<u8> = (0..10 * 3072).map(|pixel| (pixel % 251) as u8).collect();
    let root = tempfile::tempdir().unwrap();
    let inner = root.path().join("cifar-10-batches-py");
    fs::create_dir(&inner).unwrap();
    for name in [
        "data_batch_1",
        "data_batch_2",
        "data_batch_3",
        "data_batch_4",
        "data_batch_5",
        "test_batch",
    ] {
        fs::write(inner.join(name), pickled("labels", &labels, &pixels)).unwrap();
    }
    let data = load(DataSet::CIFAR10, root.path()).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (50, 10));
    let sample = data.test.read(4, 0).unwrap();
    assert_eq!(sample.label, 4);
    let byte = (4 * 3072) % 251;
    assert!((sample.values[0] - (byte as f32 / 255.0 - 0.4911) / 0.2022).abs() < 1e-5);

    let torn = inner.join("test_batch");
    let whole = pickled("labels", &labels, &pixels);
    fs::write(&torn, &whole[..whole.len() / 2]).unwrap();
    fails(
        load(DataSet::CIFAR10, root.path()),
        &["test_batch", "expected a pickled dictionary"],
    );
    fs::write(&torn, pickled("names", &labels, &pixels)).unwrap();
    fails(
        load(DataSet::CIFAR10, root.path()),
        &["test_batch", "\"labels\""],
    );
    fs::write(&torn, pickled("labels", &labels[..9], &pixels)).unwrap();
    fails(
        load(DataSet::CIFAR10, root.path()),
        &["test_batch", "each of 9 labels"],
    );

    let root = tempfile::tempdir().unwrap();
    let inner = root.path().join("cifar-100-python");
    fs::create_dir(&inner).unwrap();
    for name in ["train", "test"] {
        fs::write(
            inner.join(name),
            pickled("fine_labels", &[99], &pixels[..3072]),
        )
        .unwrap();
    }
    assert_eq!(
        load(DataSet::CIFAR100, root.path()).unwrap().test.label(0),
        99
    );
}

#[test]
fn the_real_cifar_10_has_balanced_classes() {
    let Some(folder) = std::env::var_os(REAL_DATA).map(PathBuf::from) else {
        eprintln!("skipped: {REAL_DATA} does not name a folder with CIFAR-10");
        return;
    };
    let data = DataSet::CIFAR10.load(Some(&folder), READING).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (50_000, 10_000));
    assert_eq!(
        counts(&data.train),
        (0..10).map(|class| (class, 5_000)).collect()
    );
    assert_eq!(
        counts(&data.test),
        (0..10).map(|class| (class, 1_000)).collect()
    );
    // The first training image is a frog, the first test image a cat.
    assert_eq!((data.train.label(0), data.test.label(0)), (6, 3));
}
