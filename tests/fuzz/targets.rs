//! What a file can reach, by the kind of the file. Each target reads arbitrary content as such a file, through the public
//! interface. A file is read or refused; a refusal has at most three lines.
//!
//! `cargo fuzz` runs the targets without end, the test `damaged` on a corpus and its mutations.

use std::{error::Error, fs, path::Path};

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Device, Tensor},
};
use lfp_burn::spiking::LifConfig;
use lfp_experiments::{
    conformance::Case,
    data::{DataSet, Reading},
    train::Settings,
};
use lfp_models::{Difference, Network, ResNetConfig, SpikingMlpConfig, StateDict, VitConfig};

/// Reads `content` in the folder, which is empty.
type Target = fn(content: &[u8], folder: &Path) -> Result<(), Box<dyn Error>>;

pub(crate) const TARGETS: [(&str, Target); 9] = [
    ("idx", idx),
    ("cifar_binary", cifar_binary),
    ("pickle", pickle),
    ("parquet", parquet),
    ("table", table),
    ("image", image),
    ("conformance", conformance),
    ("settings", settings),
    ("state_dict", state_dict),
];

/// Runs a target. Returns whether the content was read, and not refused.
///
/// # Panics
///
/// If reading panics, or refuses with more than three lines.
pub(crate) fn run(name: &str, content: &[u8]) -> bool {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (_, target) = TARGETS
        .iter()
        .find(|(of, _)| *of == name)
        .expect("a target");
    let result = target(content, folder.path());
    if let Err(error) = &result {
        let text = error.to_string();
        assert!(text.lines().count() <= 3, "{text}");
        assert!(!text.is_empty());
    }
    result.is_ok()
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

fn parquet(content: &[u8], folder: &Path) -> Result<(), Box<dyn Error>> {
    for part in ["train", "test"] {
        fs::write(folder.join(format!("{part}.parquet")), content)?;
    }
    read(DataSet::MNIST, folder)
}

/// The tables of a data set, by name and valid content, and the images that they list.
type Tables = (
    DataSet,
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

const TABLES: [Tables; 4] = [
    (DataSet::MNIST, &[("train.csv", "")], &[]),
    (
        DataSet::CIFAR10,
        &[("trainLabels.csv", "")],
        &["train/1.png", "train/2.png", "train/3.png"],
    ),
    (
        DataSet::ISIC,
        &[("ISIC_2019_Training_GroundTruth.csv", "")],
        &["ISIC_1.jpg", "ISIC_2.jpg", "ISIC_3.jpg", "ISIC_4.jpg"],
    ),
    (
        DataSet::CUB,
        &[
            (
                "images.txt",
                "1 1.A/1.jpg\n2 1.A/2.jpg\n3 2.B/1.jpg\n4 2.B/2.jpg\n",
            ),
            ("image_class_labels.txt", "1 1\n2 1\n3 2\n4 2\n"),
            ("train_test_split.txt", "1 1\n2 0\n3 1\n4 0\n"),
        ],
        &[
            "images/1.A/1.jpg",
            "images/1.A/2.jpg",
            "images/2.B/1.jpg",
            "images/2.B/2.jpg",
        ],
    ),
];

/// A PPM image of 32x32 pixels. Images are recognised by their content.
fn small_image() -> Vec<u8> {
    [&b"P6 32 32 255\n"[..], &[127; 3 * 32 * 32]].concat()
}

/// The content as each of the tables that data sets have, beside valid ones and the images that these list. It is read if one
/// data set accepts it.
fn table(content: &[u8], folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut result: Result<(), Box<dyn Error>> = Err("no tables".into());
    for (data_set, tables, images) in TABLES {
        for (replaced, _) in tables {
            let root = folder.join(format!("{data_set} {replaced}"));
            fs::create_dir(&root)?;
            for image in images {
                let path = root.join(image);
                fs::create_dir_all(path.parent().unwrap_or(&root))?;
                fs::write(path, small_image())?;
            }
            for (name, valid) in tables {
                let content = match name == replaced {
                    true => content,
                    false => valid.as_bytes(),
                };
                fs::write(root.join(name), content)?;
            }
            let outcome = read(data_set, &root);
            if result.is_err() {
                result = outcome;
            }
        }
    }
    result
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

/// Weights for networks with convolutions, with stacked tensors, and with spikes, first without and then with differences. What
/// loads is finite.
fn state_dict(content: &[u8], folder: &Path) -> Result<(), Box<dyn Error>> {
    let path = folder.join("weights");
    fs::write(&path, content)?;
    let device = Device::default();
    let networks: [Network; 3] = [
        ResNetConfig::new(vec![1], vec![2])
            .with_large_images(false)
            .with_num_classes(3)
            .init(&device)
            .into(),
        VitConfig::new(8, 8, 2, 2, 32)
            .with_image_size([16, 16])
            .with_num_classes(5)
            .init(&device)?
            .into(),
        SpikingMlpConfig::new()
            .with_widths(vec![4, 5, 3])
            .with_lif(LifConfig::new().with_beta(0.75))
            .init(&device)?
            .into(),
    ];
    let everything = [
        Difference::Head,
        Difference::Missing,
        Difference::Unused,
        Difference::Shapes,
    ];
    let mut result: Result<(), Box<dyn Error>> = Err("no networks".into());
    for network in networks {
        for allowed in [&[][..], &everything[..]] {
            let file = StateDict::open(&path).allow(allowed.iter().copied());
            let loaded = file.apply_to(network.clone());
            if let Ok((network, _)) = &loaded {
                assert!(has_finite_weights(network), "loaded what no weight can be");
            }
            if result.is_err() {
                result = loaded.map(drop).map_err(Into::into);
            }
        }
    }
    result
}

fn has_finite_weights(network: &Network) -> bool {
    struct Finite(bool);

    impl ModuleVisitor for Finite {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let data = param.val().into_data();
            self.0 &= data.iter::<f32>().all(f32::is_finite);
        }
    }

    let mut finite = Finite(true);
    network.visit(&mut finite);
    finite.0
}
