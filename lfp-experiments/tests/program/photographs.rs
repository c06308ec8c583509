//! Data sets in their published file layouts.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use image::{Rgb, RgbImage};
use lfp_experiments::data::{DataError, DataSet, Reading, Samples, Split, class_weights};
use tempfile::TempDir;

use super::{path, refused, succeeds};

pub(crate) const READING: Reading = Reading {
    size: 32,
    cached: false,
    seed: 0,
};

/// An image in the colour of its class, with stripes that depend on `number`.
fn picture(class: usize, number: usize) -> RgbImage {
    let colour = [[230, 40, 40], [40, 230, 40], [40, 40, 230], [220, 220, 30]][class % 4];
    RgbImage::from_fn(40, 36, |x, y| {
        let dark = (x as usize + y as usize * number) % 7 < 3;
        Rgb(colour.map(|value: u8| if dark { value / 2 } else { value }))
    })
}

pub(crate) fn save(path: &Path, class: usize, number: usize) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    picture(class, number).save(path).unwrap();
}

/// `train/CLASS/*` and `test/CLASS/*`.
pub(crate) fn image_folder(classes: usize, train: usize, test: usize) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for class in 0..classes {
        for (part, count) in [("train", train), ("test", test)] {
            for number in 0..count {
                // Several formats.
                let ending = ["png", "jpg", "BMP"][number % 3];
                let name = format!("{part}/class{class}/{number}.{ending}");
                save(&root.path().join(name), class, number);
            }
        }
    }
    root
}

pub(crate) fn counts(data: &Arc<dyn Samples>) -> BTreeMap<u32, usize> {
    let mut counts = BTreeMap::new();
    for index in 0..data.len() {
        *counts.entry(data.label(index)).or_default() += 1;
    }
    counts
}

pub(crate) fn load(data_set: DataSet, root: &Path) -> Result<Split, DataError> {
    data_set.load(Some(root), READING)
}

#[track_caller]
pub(crate) fn fails(result: Result<Split, DataError>, words: &[&str]) {
    let error = result.err().expect("refused").to_string();
    for word in words {
        assert!(error.contains(word), "expected \"{word}\" in: {error}");
    }
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn a_folder_for_each_class_is_a_data_set() {
    let root = image_folder(3, 6, 2);
    let data = load(DataSet::FOLDER, root.path()).unwrap();
    assert_eq!(data.train.shape(), [3, 32, 32]);
    assert_eq!(data.train.num_classes(), 3);
    assert_eq!(
        counts(&data.train),
        BTreeMap::from([(0, 6), (1, 6), (2, 6)])
    );
    assert_eq!(counts(&data.test), BTreeMap::from([(0, 2), (1, 2), (2, 2)]));
    // The first class is red; values are normalised by ImageNet's statistics.
    let sample = data.test.read(0, 0).unwrap();
    let mean = |channel: usize| {
        let channel = &sample.values[channel * 1024..(channel + 1) * 1024];
        channel.iter().sum::<f32>() / 1024.0
    };
    assert!(mean(0) > 0.5 && mean(1) < -1.0 && mean(2) < -1.0);
}

#[test]
fn a_malformed_folder_is_reported_before_training() {
    let root = image_folder(3, 2, 2);
    let broken = root.path().join("train/class1/broken.png");
    fs::write(&broken, "not a picture").unwrap();
    fails(
        load(DataSet::FOLDER, root.path()),
        &["train/class1/broken.png", "broken image"],
    );
    fs::write(&broken, "").unwrap();
    fails(
        load(DataSet::FOLDER, root.path()),
        &["train/class1/broken.png", "broken image"],
    );
    fs::remove_file(&broken).unwrap();

    fs::create_dir(root.path().join("train/empty")).unwrap();
    fs::create_dir(root.path().join("test/empty")).unwrap();
    fails(
        load(DataSet::FOLDER, root.path()),
        &["train/empty", "class without images"],
    );
    fs::remove_dir(root.path().join("test/empty")).unwrap();
    fails(
        load(DataSet::FOLDER, root.path()),
        &["train/empty", "same classes", "no such class in", "/test"],
    );
    fs::rename(
        root.path().join("train/empty"),
        root.path().join("test/empty"),
    )
    .unwrap();
    fails(
        load(DataSet::FOLDER, root.path()),
        &["test/empty", "no such class in", "/train"],
    );
    fs::rename(
        root.path().join("test/empty"),
        root.path().join("train/empty"),
    )
    .unwrap();
    fs::remove_dir(root.path().join("train/empty")).unwrap();

    fs::remove_dir_all(root.path().join("test")).unwrap();
    fails(
        load(DataSet::FOLDER, root.path()),
        &["train/CLASS/*", "--data-dir"],
    );
}

#[test]
fn a_truncated_image_ends_a_run_and_is_named() {
    let root = image_folder(2, 4, 2);
    let torn = root.path().join("train/class1/1.jpg");
    // Large enough that a quarter of the file contains the whole header.
    let noise = RgbImage::from_fn(200, 200, |x, y| {
        Rgb([(x * y % 251) as u8, (x ^ y) as u8, 7])
    });
    noise.save(&torn).unwrap();
    let whole = fs::read(&torn).unwrap();
    fs::write(&torn, &whole[..whole.len() / 4]).unwrap();
    let out = path(&root, "run");
    let root = root.path().to_str().unwrap();
    let mut arguments = on_folder(root, "resnet32");
    arguments.extend(["--out", &out]);
    refused(&arguments, &["train/class1/1.jpg", "broken image"]);
}

#[test]
fn the_data_must_have_the_classes_of_the_model() {
    let root = image_folder(2, 2, 2);
    let root = root.path().to_str().unwrap();
    let mut arguments = on_folder(root, "lenet");
    arguments.extend(["--classes", "5"]);
    refused(&arguments, &[root, "expected data of 5 classes", "found 2"]);
}

pub(crate) fn cub_folder() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let inner = root.path().join("CUB_200_2011");
    let [mut images, mut labels, mut split] = [const { String::new() }; 3];
    let mut number = 0;
    for class in 0..3 {
        for bird in 0..5 {
            number += 1;
            let name = format!("{:03}.Some_Bird/Some_Bird_{bird:04}.jpg", class + 1);
            save(&inner.join("images").join(&name), class, bird);
            images += &format!("{number} {name}\n");
            labels += &format!("{number} {}\n", class + 1);
            split += &format!("{number} {}\n", u8::from(bird < 3));
        }
    }
    fs::write(inner.join("images.txt"), images).unwrap();
    fs::write(inner.join("image_class_labels.txt"), labels).unwrap();
    fs::write(inner.join("train_test_split.txt"), split).unwrap();
    root
}

#[test]
fn cub_is_split_as_published() {
    let root = cub_folder();
    let data = load(DataSet::CUB, root.path()).unwrap();
    assert_eq!(
        counts(&data.train),
        BTreeMap::from([(0, 3), (1, 3), (2, 3)])
    );
    assert_eq!(counts(&data.test), BTreeMap::from([(0, 2), (1, 2), (2, 2)]));
    let inner = root.path().join("CUB_200_2011");
    assert_eq!(
        load(DataSet::CUB, &inner).unwrap().train.len(),
        9,
        "the inner folder works, too"
    );

    let bird = inner.join("images/002.Some_Bird/Some_Bird_0003.jpg");
    fs::remove_file(&bird).unwrap();
    fails(
        load(DataSet::CUB, root.path()),
        &["images.txt: line 9", "Some_Bird_0003.jpg", "missing"],
    );
    save(&bird, 1, 3);
    let labels = inner.join("image_class_labels.txt");
    let whole = fs::read_to_string(&labels).unwrap();
    fs::write(&labels, &whole[..whole.len() - 6]).unwrap();
    fails(
        load(DataSet::CUB, root.path()),
        &["image_class_labels.txt", "image 15"],
    );
    fs::write(&labels, "1 one\n").unwrap();
    fails(
        load(DataSet::CUB, root.path()),
        &["image_class_labels.txt: line 1", "image 1, found one"],
    );
}

const LESIONS: [&str; 9] = ["MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK"];

pub(crate) fn isic_folder() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let mut table = format!("image,{}\n", LESIONS.join(","));
    // Unbalanced, like the real data set.
    for (class, count) in [20, 31, 10, 4, 6, 3, 2, 5].into_iter().enumerate() {
        for number in 0..count {
            let name = format!("ISIC_{:07}", 1000 * class + number);
            let image = format!("ISIC_2019_Training_Input/ISIC_2019_Training_Input/{name}.jpg");
            save(&root.path().join(image), class, number);
            let ones = (0..9).map(|of| if of == class { "1.0" } else { "0.0" });
            table += &format!("{name},{}\n", ones.collect::<Vec<_>>().join(","));
        }
    }
    fs::write(
        root.path().join("ISIC_2019_Training_GroundTruth.csv"),
        table,
    )
    .unwrap();
    root
}

#[test]
fn a_tenth_of_each_class_of_isic_is_for_testing() {
    let root = isic_folder();
    let data = load(DataSet::ISIC, root.path()).unwrap();
    assert_eq!(data.train.num_classes(), 9, "the ninth class is empty");
    let names = [0, 8].map(|class| data.test.class_name(class));
    assert_eq!(names, [Some("MEL"), Some("UNK")]);
    let expected = [2, 3, 1, 1, 1, 1, 1, 1];
    assert_eq!(counts(&data.test), (0..).zip(expected).collect());
    assert_eq!(data.train.len() + data.test.len(), 81);
    let labels = |data: &Split| {
        let samples = (0..data.test.len()).map(|index| data.test.read(index, 0).unwrap().values);
        samples.collect::<Vec<_>>()
    };
    let again = load(DataSet::ISIC, root.path()).unwrap();
    assert!(labels(&data) == labels(&again), "the split is fixed");

    // The weighted samples of every class have the same sum; the total is the number of samples.
    let weights = class_weights(data.train.as_ref());
    let sums = counts(&data.train);
    let weighed: Vec<f32> = sums
        .iter()
        .map(|(&class, &count)| weights[class as usize] * count as f32)
        .collect();
    assert!(
        weighed.iter().all(|sum| (sum - weighed[0]).abs() < 1e-3),
        "{weighed:?}"
    );
    assert!((weighed.iter().sum::<f32>() - data.train.len() as f32).abs() < 1e-3);

    let table = root.path().join("ISIC_2019_Training_GroundTruth.csv");
    let whole = fs::read_to_string(&table).unwrap();
    fs::write(&table, whole.clone() + "ISIC_9999999,1,0,0,0,0,0,0,0,0\n").unwrap();
    fails(
        load(DataSet::ISIC, root.path()),
        &["GroundTruth.csv: line 83", "ISIC_9999999.jpg", "missing"],
    );
    fs::write(&table, whole.clone() + "ISIC_0000000,1,1,0,0,0,0,0,0,0\n").unwrap();
    fails(
        load(DataSet::ISIC, root.path()),
        &["GroundTruth.csv: line 83", "exactly one class"],
    );
    fs::write(&table, &whole[..whole.len() - 8]).unwrap();
    fails(
        load(DataSet::ISIC, root.path()),
        &["GroundTruth.csv: line 82"],
    );
    // A row of scores is no row of labels.
    let scored = whole.replacen("ISIC_0000000,1.0,0.0,", "ISIC_0000000,1.0,0.7,", 1);
    fs::write(&table, scored).unwrap();
    fails(
        load(DataSet::ISIC, root.path()),
        &["GroundTruth.csv: line 2", "0 for the others", "\"0.7\""],
    );
}

#[test]
fn an_image_that_a_list_has_twice_is_refused_by_name() {
    // In the training and in the test part it would be counted as an image that the network has not seen.
    let root = isic_folder();
    let table = root.path().join("ISIC_2019_Training_GroundTruth.csv");
    let whole = fs::read_to_string(&table).unwrap();
    for again in ["ISIC_0000003", "./ISIC_0000003"] {
        fs::write(&table, format!("{whole}{again},1,0,0,0,0,0,0,0,0\n")).unwrap();
        fails(
            load(DataSet::ISIC, root.path()),
            &[
                "GroundTruth.csv: lines 5 and 83 both list",
                "ISIC_0000003.jpg",
            ],
        );
    }
    let outside = "../ISIC_2019_Training_Input/ISIC_0000003";
    fs::write(&table, format!("{whole}{outside},1,0,0,0,0,0,0,0,0\n")).unwrap();
    fails(
        load(DataSet::ISIC, root.path()),
        &["line 83: expected images in", "ISIC_0000003"],
    );

    let root = cub_folder();
    let names = root.path().join("CUB_200_2011/images.txt");
    let whole = fs::read_to_string(&names).unwrap();
    // Images 1 and 5 are in different parts.
    let same = whole.replace("Some_Bird_0004.jpg\n6 ", "Some_Bird_0000.jpg\n6 ");
    assert_ne!(same, whole);
    fs::write(&names, same).unwrap();
    fails(
        load(DataSet::CUB, root.path()),
        &["images.txt: lines 1 and 5 both list", "Some_Bird_0000.jpg"],
    );
}

#[test]
fn a_part_without_samples_is_refused() {
    let root = cub_folder();
    for list in ["images", "image_class_labels", "train_test_split"] {
        fs::write(root.path().join(format!("CUB_200_2011/{list}.txt")), "").unwrap();
    }
    fails(
        load(DataSet::CUB, root.path()),
        &["data set cub", "training part has no samples"],
    );
    // One image of each class: none can be held out.
    let root = isic_folder();
    let table = root.path().join("ISIC_2019_Training_GroundTruth.csv");
    let whole = fs::read_to_string(&table).unwrap();
    let first = |line: &&str| !line.starts_with("ISIC") || line.contains("000,");
    let few: Vec<&str> = whole.lines().filter(first).collect();
    fs::write(&table, few.join("\n")).unwrap();
    fails(
        load(DataSet::ISIC, root.path()),
        &["GroundTruth.csv", "a class with two images"],
    );
}

#[test]
fn food_11_is_read_in_its_original_layout_and_in_folders() {
    for folders in [false, true] {
        let root = tempfile::tempdir().unwrap();
        for (part, count) in [("training", 3), ("validation", 1), ("evaluation", 2)] {
            for class in 0..11 {
                for number in 0..count {
                    let name = match folders {
                        false => format!("food11/{part}/{class}_{number}.jpg"),
                        true => format!("food11/{part}/Food {class:02}/{number}.jpg"),
                    };
                    save(&root.path().join(name), class, number);
                }
            }
        }
        let data = load(DataSet::FOOD11, root.path()).unwrap();
        assert_eq!((data.train.len(), data.test.len()), (33, 22));
        assert_eq!(counts(&data.train).len(), 11);
        if !folders {
            let stray = root.path().join("food11/evaluation/11_0.jpg");
            save(&stray, 0, 0);
            fails(
                load(DataSet::FOOD11, root.path()),
                &["evaluation/11_0.jpg", "from 0 to 10"],
            );
        }
    }
}

#[test]
fn tables_may_have_a_byte_order_mark_crlf_quotes_and_empty_lines() {
    let rewrite = |path: &Path, change: &dyn Fn(&str) -> String| {
        let content = fs::read_to_string(path).unwrap();
        fs::write(path, change(&content)).unwrap();
    };
    let labels = |data: &Split| (counts(&data.train), counts(&data.test));

    let root = isic_folder();
    let expected = labels(&load(DataSet::ISIC, root.path()).unwrap());
    let table = root.path().join("ISIC_2019_Training_GroundTruth.csv");
    rewrite(&table, &|content| {
        let quoted = content.replace("NV", "\"NV\"").replace("1.0", "\"1.0\"");
        format!("\u{feff}{}\r\n", quoted.replace('\n', "\r\n"))
    });
    assert_eq!(labels(&load(DataSet::ISIC, root.path()).unwrap()), expected);

    let root = cub_folder();
    let expected = labels(&load(DataSet::CUB, root.path()).unwrap());
    for name in ["images", "image_class_labels", "train_test_split"] {
        let list = root.path().join(format!("CUB_200_2011/{name}.txt"));
        rewrite(&list, &|content| {
            format!("\u{feff}{}\r\n", content.replace('\n', "\r\n"))
        });
    }
    assert_eq!(labels(&load(DataSet::CUB, root.path()).unwrap()), expected);
}

#[test]
fn a_generated_data_set_needs_no_folder() {
    let root = tempfile::tempdir().unwrap();
    let out = path(&root, "run");
    let arguments = [
        "train",
        "--dataset",
        "blobs",
        "--model",
        "mlp-toy",
        "--out",
        &out,
    ];
    succeeds(&arguments);
    let result = fs::read_to_string(Path::new(&out).join("result.json")).unwrap();
    let result: serde_json::Value = serde_json::from_str(&result).unwrap();
    assert!(
        result["test_accuracy"][0].as_f64().unwrap() > 0.9,
        "{result}"
    );

    let with_folder = [&arguments[..5], &["--data-dir", "data"]].concat();
    refused(&with_folder, &["blobs", "--data-dir"]);
    refused(&["train", "--dataset", "cub"], &["cub", "--data-dir"]);
}

/// Arguments that train for an epoch on an image folder: two steps for a dozen images.
pub(crate) fn on_folder<'a>(folder: &'a str, model: &'a str) -> Vec<&'a str> {
    let line = "train --dataset folder --image-size 32 --epochs 1 --batch 6 --data-dir";
    line.split(' ').chain([folder, "--model", model]).collect()
}

#[test]
fn every_model_trains_by_both_methods_on_an_image_folder() {
    let root = image_folder(3, 4, 2);
    for model in [
        "mlp",
        "lenet",
        "vgg-like",
        "vgg-like-bn",
        "vgg16",
        "vgg16-bn",
        "resnet18",
        "resnet34",
        "resnet32",
        // The larger ones differ in size only.
        "vit-tiny",
        "snn-mlp",
        "snn-lenet",
    ] {
        for method in ["lfp", "gradient"] {
            let out = path(&root, &format!("{model}-{method}"));
            let mut arguments = on_folder(root.path().to_str().unwrap(), model);
            arguments.extend(["--method", method, "--out", &out]);
            let said = succeeds(&arguments);
            let epochs = said.lines().filter(|line| line.starts_with("epoch "));
            assert_eq!(epochs.count(), 1, "{said}");
            let out = Path::new(&out);
            let result = fs::read_to_string(out.join("result.json")).unwrap();
            let result: serde_json::Value = serde_json::from_str(&result).unwrap();
            assert_eq!(result["test_top5"][0], 1.0, "of three classes: {result}");
            assert_eq!(result["best_epoch"], 1);
            assert!(out.join("best.safetensors").is_file());
            assert!(out.join("final.safetensors").is_file());
            // VGG-16 leaves two gigabytes.
            fs::remove_dir_all(out).unwrap();
        }
    }
}

#[test]
fn an_image_size_is_for_photographs_alone() {
    let mut cifar = on_folder("data", "resnet32");
    cifar[2] = "cifar10";
    refused(&cifar, &["--image-size", "cifar10"]);
}
