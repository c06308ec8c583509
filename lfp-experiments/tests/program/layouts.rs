//! MNIST and CIFAR as torchvision and Kaggle lay them out.

use std::{collections::BTreeMap, fs, io::Write, path::Path};

use flate2::{Compression, write::GzEncoder};
use image::{Rgb, RgbImage};
use lfp_experiments::data::DataSet;

use super::{
    Digits, path,
    photographs::{counts, fails, load},
    program,
};

const FILES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

#[test]
fn mnist_is_found_where_torchvision_and_kaggle_put_it() {
    let data = Digits::new(20, 10);
    let plain = |name: &str| fs::read(data.file(name)).unwrap();
    let compressed = |name: &str| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&plain(name)).unwrap();
        encoder.finish().unwrap()
    };
    let expected = load(DataSet::MNIST, data.folder.path()).unwrap();
    let dotted = |name: &str| name.replace("-idx", ".idx");
    type Place = fn(&str) -> String;
    let places: [(Place, bool); 5] = [
        (|name| format!("MNIST/raw/{name}"), false),
        (|name| format!("MNIST/raw/{name}.gz"), true),
        (|name| format!("mnist/{name}"), false),
        (|name| format!("{name}/{name}"), false),
        (|name| name.replace("-idx", ".idx"), false),
    ];
    for (place, is_compressed) in places {
        let root = tempfile::tempdir().unwrap();
        for name in FILES {
            let path = root.path().join(place(name));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let content = if is_compressed {
                compressed(name)
            } else {
                plain(name)
            };
            fs::write(path, content).unwrap();
        }
        let found = load(DataSet::MNIST, root.path()).unwrap();
        assert_eq!((found.train.len(), found.test.len()), (20, 10));
        assert_eq!(
            found.test.read(7, 0).unwrap(),
            expected.test.read(7, 0).unwrap()
        );
    }
    // Kaggle's copy has both: a folder with a dot, and in it a file without.
    let root = tempfile::tempdir().unwrap();
    for name in FILES {
        let folder = root.path().join(dotted(name));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(dotted(name)), plain(name)).unwrap();
    }
    assert!(load(DataSet::MNIST, root.path()).is_ok());
}

/// Rows of a label and 16x16 pixels, of which the first is the number of the row.
fn rows(count: usize, separator: &str, has_label: bool) -> Vec<String> {
    let row = |row: usize| {
        let label = has_label.then(|| (row % 10).to_string());
        let pixels = (0..256).map(|pixel| if pixel == 0 { row % 256 } else { pixel % 7 });
        let cells = label
            .into_iter()
            .chain(pixels.map(|pixel| pixel.to_string()));
        cells.collect::<Vec<_>>().join(separator)
    };
    (0..count).map(row).collect()
}

fn header(separator: &str, has_label: bool) -> String {
    let label = has_label.then(|| "label".to_owned());
    let pixels = (0..256).map(|pixel| format!("pixel{pixel}"));
    let cells = label.into_iter().chain(pixels);
    cells.collect::<Vec<_>>().join(separator)
}

fn write(root: &Path, name: &str, lines: &[String], end: &str) {
    fs::write(root.join(name), lines.join(end) + end).unwrap();
}

#[test]
fn mnist_in_tables_is_read_with_any_separator_and_line_end() {
    for (separator, end, start) in [
        (",", "\n", ""),
        (";", "\r\n", "\u{feff}"),
        ("\t", "\n", "\u{feff}"),
        (",", "\r", ""),
    ] {
        let root = tempfile::tempdir().unwrap();
        let train = [
            vec![start.to_owned() + &header(separator, true)],
            rows(200, separator, true),
        ];
        write(root.path(), "train.csv", &train.concat(), end);
        // The test images of Kaggle's competition have no labels: a tenth of each class is held out.
        let test = [vec![header(separator, false)], rows(50, separator, false)];
        write(root.path(), "test.csv", &test.concat(), end);
        let data = load(DataSet::MNIST, root.path()).unwrap();
        assert_eq!(data.train.shape(), [1, 16, 16]);
        let each = |count| {
            (0..10)
                .map(|class| (class, count))
                .collect::<BTreeMap<_, _>>()
        };
        assert_eq!(
            (counts(&data.train), counts(&data.test)),
            (each(18), each(2))
        );
        // The first pixel tells the row: every row is in one part, with its own label.
        let mut seen = Vec::new();
        for part in [&data.train, &data.test] {
            for index in 0..part.len() {
                let sample = part.read(index, 0).unwrap();
                let row = ((sample.values[0] * 0.5 + 0.5) * 255.0).round() as u32;
                assert_eq!(sample.label, row % 10);
                seen.push(row);
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..200).collect::<Vec<_>>());

        // Tables with labels for both parts, without headers.
        let root = tempfile::tempdir().unwrap();
        write(
            root.path(),
            "mnist_train.csv",
            &rows(30, separator, true),
            end,
        );
        write(
            root.path(),
            "mnist_test.csv",
            &rows(20, separator, true),
            end,
        );
        let data = load(DataSet::MNIST, root.path()).unwrap();
        assert_eq!((data.train.len(), data.test.len()), (30, 20));
    }
}

#[test]
fn a_malformed_table_of_digits_is_named_with_its_line() {
    let root = tempfile::tempdir().unwrap();
    let refused = |change: &dyn Fn(&mut Vec<String>), words: &[&str]| {
        let mut lines = [vec![header(",", true)], rows(20, ",", true)].concat();
        change(&mut lines);
        write(root.path(), "train.csv", &lines, "\n");
        fails(load(DataSet::MNIST, root.path()), words);
    };
    refused(
        &|lines| lines[3] = lines[3].replace(",3,", ",300,"),
        &["train.csv: line 4", "from 0 to 255", "\"300\""],
    );
    refused(
        &|lines| lines[3] = lines[3].replacen('2', "10", 1),
        &["train.csv: line 4", "a label from 0 to 9", "found 10"],
    );
    // Old Macs end lines by a carriage return alone.
    let mut lines = [vec![header(",", true)], rows(20, ",", true)].concat();
    lines[3] = lines[3].replace(",3,", ",300,");
    write(root.path(), "train.csv", &lines, "\r");
    let words = ["train.csv: line 4", "\"300\""];
    fails(load(DataSet::MNIST, root.path()), &words);
    refused(
        &|lines| lines[3] += ",1",
        &["train.csv: line 4", "258 fields instead of 257"],
    );
    refused(&|lines| lines.truncate(1), &["train.csv", "found none"]);
    refused(
        &|lines| lines[0] = header(",", false),
        &["column \"label\""],
    );
    refused(
        &|lines| lines.iter_mut().for_each(|line| line.push_str(",1")),
        &["train.csv", "pixels of a square", "258 columns"],
    );
    // A label under another name is no table without labels.
    let with_test = |first: String, words: &[&str]| {
        let lines = [vec![header(",", true)], rows(200, ",", true)].concat();
        write(root.path(), "train.csv", &lines, "\n");
        let lines = [vec![first], rows(20, ",", true)].concat();
        write(root.path(), "test.csv", &lines, "\n");
        fails(load(DataSet::MNIST, root.path()), words);
    };
    with_test(
        header(",", true).replace("label", "class"),
        &["test.csv", "257 columns, none of them \"label\""],
    );
    // Ten images of ten classes leave none for testing.
    fs::remove_file(root.path().join("test.csv")).unwrap();
    refused(
        &|lines| lines.truncate(11),
        &["train.csv", "a class with two images"],
    );
    let utf_16 = [0xff, 0xfe, b'l', 0];
    fs::write(root.path().join("train.csv"), utf_16).unwrap();
    fails(load(DataSet::MNIST, root.path()), &["UTF-8", "UTF-16"]);
}

#[test]
fn why_digits_are_held_out_is_what_the_folder_holds() {
    let root = tempfile::tempdir().unwrap();
    let lines = [vec![header(",", true)], rows(200, ",", true)].concat();
    write(root.path(), "train.csv", &lines, "\n");
    let said = |run: &str| {
        let folder = root.path().to_str().unwrap();
        let out = path(&root, run);
        let arguments = [
            "train",
            "--dataset",
            "mnist",
            "--data-dir",
            folder,
            "--model",
            "mlp",
            "--epochs",
            "1",
            "--out",
            &out,
        ];
        let output = program(&arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        said
    };
    let words = said("first");
    assert!(
        words.contains("there is no test.csv, so a tenth"),
        "{words}"
    );
    let lines = [vec![header(",", false)], rows(20, ",", false)].concat();
    write(root.path(), "test.csv", &lines, "\n");
    let words = said("second");
    assert!(
        words.contains("the test part has no labels, so a tenth"),
        "{words}"
    );
    // Neither a page that was saved instead of the table, nor images of another size, are that part.
    let other_size = format!("{}1", "1,".repeat(15));
    for (lines, found) in [
        (vec!["<!DOCTYPE html>".to_owned()], "1 columns"),
        (vec![other_size], "16 columns"),
    ] {
        write(root.path(), "test.csv", &lines, "\n");
        let folder = root.path().to_str().unwrap();
        let output = program(&[
            "train",
            "--dataset",
            "mnist",
            "--data-dir",
            folder,
            "--model",
            "mlp",
        ]);
        assert_eq!(output.status.code(), Some(2));
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            words.contains("test.csv") && words.contains(found),
            "{words}"
        );
    }
}

#[test]
fn cifar_10_is_read_as_kaggle_has_it() {
    let classes = [
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ];
    let root = tempfile::tempdir().unwrap();
    let train = root.path().join("train");
    fs::create_dir(&train).unwrap();
    let mut table = "id,label\r\n".to_owned();
    for number in 0..60_usize {
        let class = number * 7 % 10;
        let colour = Rgb([class as u8, 100, number as u8]);
        let image = RgbImage::from_pixel(32, 32, colour);
        image
            .save(train.join(format!("{}.png", number + 1)))
            .unwrap();
        table += &format!("{},\"{}\"\r\n", number + 1, classes[class]);
    }
    let labels = root.path().join("trainLabels.csv");
    fs::write(&labels, &table).unwrap();
    let data = load(DataSet::CIFAR10, root.path()).unwrap();
    let each = |count| {
        (0..10)
            .map(|class| (class, count))
            .collect::<BTreeMap<_, _>>()
    };
    assert_eq!(
        (counts(&data.train), counts(&data.test)),
        (each(5), each(1))
    );
    for part in [&data.train, &data.test] {
        for index in 0..part.len() {
            let sample = part.read(index, 0).unwrap();
            let byte = |channel: usize, mean: f32, std: f32| {
                ((sample.values[channel * 1024 + 500] * std + mean) * 255.0).round() as u32
            };
            assert_eq!(byte(0, 0.4911, 0.2022), sample.label);
            assert_eq!(byte(1, 0.4820, 0.1993), 100);
        }
    }

    fs::write(&labels, table.replace("cat", "kitten")).unwrap();
    fails(
        load(DataSet::CIFAR10, root.path()),
        &["trainLabels.csv: line", "one of airplane", "kitten"],
    );
    fs::write(&labels, table.clone() + "61,cat\n").unwrap();
    fails(
        load(DataSet::CIFAR10, root.path()),
        &["line 62", "61.png", "missing"],
    );
    for again in ["7,\"cat\"\n", "./7,\"cat\"\n"] {
        fs::write(&labels, table.clone() + again).unwrap();
        fails(
            load(DataSet::CIFAR10, root.path()),
            &["trainLabels.csv: lines 8 and 62 both list", "7.png"],
        );
    }
    fs::write(&labels, &table).unwrap();
    RgbImage::new(32, 31).save(train.join("5.png")).unwrap();
    fails(
        load(DataSet::CIFAR10, root.path()),
        &["train/5.png", "32x32 pixels", "found 32x31"],
    );
}
