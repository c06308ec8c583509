//! What a file can reach, by the kind of the file. Each target reads arbitrary content as such a file, through the public
//! interface. A file is read or refused; a refusal has at most three lines.
//!
//! `cargo fuzz` runs the targets without end, the test `damaged` on a corpus and its mutations.

use std::{error::Error, fs, path::Path};

use lfp_experiments::{
    conformance::Case,
    data::{DataSet, Reading},
    train::Settings,
};

/// Reads `content` in the folder, which is empty.
type Target = fn(content: &[u8], folder: &Path) -> Result<(), Box<dyn Error>>;

pub(crate) const TARGETS: [(&str, Target); 7] = [
    ("idx", idx),
    ("cifar_binary", cifar_binary),
    ("pickle", pickle),
    ("table", table),
    ("image", image),
    ("conformance", conformance),
    ("settings", settings),
];

/// Runs a target.
///
/// # Panics
///
/// If reading panics, or refuses with more than three lines.
pub(crate) fn run(name: &str, content: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (_, target) = TARGETS
        .iter()
        .find(|(of, _)| *of == name)
        .expect("a target");
    if let Err(error) = target(content, folder.path()) {
        let text = error.to_string();
        assert!(text.lines().count() <= 3, "{text}");
        assert!(!text.is_empty());
    }
}

/// Reads every sample of a data set.
fn read(data_set: DataSet, folder: &Path) -> Result<(), Box<dyn Error>> {
    let reading = Reading {
        size: 32,
        ..Reading::default()
    };
    let data = data_set.load(Some(folder), reading)?;
    for part in [data.train, data.test] {
        for index in 0..part.len() {
            let sample = part.read(index, 0)?;
            assert!((sample.label as usize) < part.num_classes());
            assert_eq!(sample.values.len(), part.shape().iter().product::<usize>());
        }
    }
    Ok(())
}

/// MNIST: the content as images of both parts, with two labels.
fn idx(content: &[u8], folder: &Path) -> Result<(), Box<dyn Error>> {
    for part in ["train", "t10k"] {
        fs::write(folder.join(format!("{part}-images-idx3-ubyte")), content)?;
        let labels = [0, 0, 8, 1, 0, 0, 0, 2, 3, 8];
        fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), labels)?;
    }
    read(DataSet::MNIST, folder)
}

fn cifar_binary(content: &[u8], folder: &Path) -> Result<(), Box<dyn Error>> {
    for name in ["train.bin", "test.bin"] {
        fs::write(folder.join(name), content)?;
    }
    read(DataSet::CIFAR100, folder)
}

fn pickle(content: &[u8], folder: &Path) -> Result<(), Box<dyn Error>> {
    for number in 1..=5 {
        fs::write(folder.join(format!("data_batch_{number}")), content)?;
    }
    fs::write(folder.join("test_batch"), content)?;
    read(DataSet::CIFAR10, folder)
}

/// The content as each of the tables that data sets have.
fn table(content: &[u8], folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir(folder.join("train"))?;
    for name in [
        "train.csv",
        "trainLabels.csv",
        "ISIC_2019_Training_GroundTruth.csv",
        "images.txt",
        "image_class_labels.txt",
        "train_test_split.txt",
    ] {
        fs::write(folder.join(name), content)?;
    }
    let data_sets = [
        DataSet::MNIST,
        DataSet::CIFAR10,
        DataSet::ISIC,
        DataSet::CUB,
    ];
    let results = data_sets.map(|data_set| read(data_set, folder));
    results.into_iter().collect()
}

fn image(content: &[u8], folder: &Path) -> Result<(), Box<dyn Error>> {
    for part in ["train", "test"] {
        let class = folder.join(part).join("class");
        fs::create_dir_all(&class)?;
        fs::write(class.join("image.png"), content)?;
    }
    read(DataSet::FOLDER, folder)
}

fn conformance(content: &[u8], folder: &Path) -> Result<(), Box<dyn Error>> {
    let path = folder.join("case.safetensors");
    fs::write(&path, content)?;
    Case::load(&path)?.run(&Default::default())?;
    Ok(())
}

fn settings(content: &[u8], _folder: &Path) -> Result<(), Box<dyn Error>> {
    let settings: Settings = serde_json::from_slice(content)?;
    let again = serde_json::to_vec(&settings)?;
    let read: Settings = serde_json::from_slice(&again)?;
    assert!(settings.difference(&read).is_none());
    Ok(())
}
