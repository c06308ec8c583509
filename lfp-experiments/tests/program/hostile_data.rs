//! Data sets whose files promise more than they hold. A refusal takes no more than 1 GB of address space.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Output},
};

use flate2::{Compression, write::GzEncoder};
use image::RgbImage;
use tempfile::TempDir;

use super::{
    Digits, PROGRAM,
    cifar::pickled,
    idx, path,
    photographs::{cub_folder, image_folder, on_folder, save},
    refusal, refused, train_arguments,
};

/// Runs the program with little memory.
fn with_little_memory(arguments: &[&str]) -> Output {
    let line = "ulimit -v 1000000; exec \"$0\" \"$@\"";
    let mut command = Command::new("bash");
    command.args(["-c", line, PROGRAM]).args(arguments);
    command.output().unwrap()
}

#[track_caller]
fn refused_with_little_memory(arguments: &[&str], words: &[&str]) {
    let said = refusal(&with_little_memory(arguments));
    for word in words {
        assert!(said.contains(word), "expected \"{word}\" in: {said}");
    }
}

fn on<'a>(data_set: &'a str, model: &'a str, root: &'a TempDir) -> Vec<&'a str> {
    let root = root.path().to_str().unwrap();
    vec![
        "train",
        "--dataset",
        data_set,
        "--model",
        model,
        "--data-dir",
        root,
        "--out",
        "unused",
    ]
}

#[test]
fn a_label_reserves_no_memory_for_classes_without_images() {
    let root = cub_folder();
    let labels = root.path().join("CUB_200_2011/image_class_labels.txt");
    let content = fs::read_to_string(&labels).unwrap();
    for (label, found) in [("4294967295", "4294967295"), ("16", "16"), ("0", "0")] {
        fs::write(
            &labels,
            content.replace("\n2 1\n", &format!("\n2 {label}\n")),
        )
        .unwrap();
        refused_with_little_memory(
            &on("cub", "resnet32", &root),
            &[
                "image_class_labels.txt",
                "a class from 1 to 15 for image 2",
                found,
            ],
        );
    }
    fs::write(&labels, content + "2 1\n").unwrap();
    refused_with_little_memory(&on("cub", "resnet32", &root), &["one line for each image"]);
}

/// A PNG of one row, with other sizes in its header.
fn png_of(width: u32, height: u32) -> Vec<u8> {
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, width, 1);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer
        .write_image_data(&vec![0; 3 * width as usize])
        .unwrap();
    writer.finish().unwrap();
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let checksum = {
        let mut crc = flate2::Crc::new();
        crc.update(&png[12..29]);
        crc.sum()
    };
    png[29..33].copy_from_slice(&checksum.to_be_bytes());
    png
}

#[test]
fn an_image_beyond_the_limits_is_refused_from_its_header() {
    let root = cub_folder();
    let bird = root
        .path()
        .join("CUB_200_2011/images/002.Some_Bird/Some_Bird_0003.jpg");
    for (width, height, word) in [
        (100_000, 1, "100000x1 pixels; the longer side"),
        (
            100_000,
            100_000,
            "100000x100000 pixels; at most 178956970 pixels",
        ),
        (1, u32::MAX >> 1, "pixels"),
    ] {
        fs::write(&bird, png_of(width, height)).unwrap();
        refused_with_little_memory(
            &on("cub", "resnet32", &root),
            &["Some_Bird_0003.jpg", "broken image", word],
        );
    }
    // A strip within the limits is read.
    RgbImage::new(3_000, 30)
        .save_with_format(&bird, image::ImageFormat::Png)
        .unwrap();
    assert!(super::photographs::load(lfp_experiments::data::DataSet::CUB, root.path()).is_ok());
}

fn cifar_with(batch: &[u8]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let inner = root.path().join("cifar-10-batches-py");
    fs::create_dir(&inner).unwrap();
    let whole = pickled("labels", &[0, 1], &[0; 2 * 3072]);
    for number in 2..=5 {
        fs::write(inner.join(format!("data_batch_{number}")), &whole).unwrap();
    }
    fs::write(inner.join("test_batch"), &whole).unwrap();
    fs::write(inner.join("data_batch_1"), batch).unwrap();
    root
}

#[test]
fn a_pickle_of_any_depth_or_repetition_is_refused() {
    let nested = [&b")"[..], &b"\x85".repeat(100_000), b"."].concat();
    let level = [&b"q\x00("[..], &b"h\x00".repeat(10), b"t"].concat();
    let bomb = [&b"K\x01"[..], &level.repeat(40), b"."].concat();
    for pickle in [nested, bomb] {
        refused_with_little_memory(
            &on("cifar10", "vgg-like", &cifar_with(&pickle)),
            &[
                "data_batch_1",
                "a pickled dictionary",
                "another pickled value",
            ],
        );
    }
    for (pickle, word) in [
        (&b"cos\nsystem\n(S'true'\ntR."[..], "another pickled value"),
        (b"\x80\x02}(U\x06labels]K\x01a", "ends in the middle"),
        (b"\x80\x02}(U\x06labels]J\xff\xff\xff\xffau.", "\"labels\""),
        (b"<!DOCTYPE html>", "no instruction of a pickle"),
        (&b"(".repeat(5_000_000), "more than 4000000 values"),
    ] {
        refused_with_little_memory(
            &on("cifar10", "vgg-like", &cifar_with(pickle)),
            &["data_batch_1", word],
        );
    }
}

#[test]
fn values_of_a_pickle_that_share_a_long_text_do_not_copy_it() {
    let long = b"x".repeat(1 << 20);
    let length = (long.len() as u32).to_le_bytes();
    // Keys that are bytes in the spelling of Python 3.
    let keys = [
        &b"\x80\x02X"[..],
        &length,
        &long,
        b"q\x000c_codecs\nencode\n(h\x00X\x06\x00\x00\x00latin1tRq\x010}(",
        &b"h\x01N".repeat(400_000),
        b"u.",
    ];
    // Classes named by a text that is kept apart from the file, because it may have escapes.
    let classes = [
        &b"}V"[..],
        &b"x".repeat(4096),
        b"\nq\x000(",
        &b"h\x00h\x00\x93N".repeat(500_000),
        b"u.",
    ];
    for pickle in [keys.concat(), classes.concat()] {
        refused_with_little_memory(
            &on("cifar10", "vgg-like", &cifar_with(&pickle)),
            &["data_batch_1", "\"labels\"", "no such key"],
        );
    }
}

#[test]
fn an_idx_file_is_read_no_further_than_its_header_says() {
    let images = "train-images-idx3-ubyte";
    let compressed = |content: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    };
    let mut bomb = idx(&[20, 28, 28], &[]);
    bomb.resize(64 << 20, 0);
    for (content, word) in [
        (compressed(&bomb), "found more"),
        (bomb, "found more"),
        (
            idx(&[u32::MAX, 28, 28], &[0; 784]),
            "at most 1073741824 elements",
        ),
        (idx(&[1_000_000, 28, 28], &[0; 784]), "found 800 bytes"),
        (idx(&[1, 30_000, 30_000], &[0; 784]), "900000016 bytes"),
        (idx(&[1, 300, 300], &[0; 90_000]), "256x256"),
    ] {
        let data = Digits::new(20, 10);
        data.write(images, &content);
        refused_with_little_memory(&train_arguments(&data, "unused"), &[images, word]);
    }
}

#[test]
#[cfg(unix)]
fn a_pipe_in_place_of_a_file_is_refused() {
    let data = Digits::new(20, 10);
    let images = data.file("train-images-idx3-ubyte");
    fs::remove_file(&images).unwrap();
    super::paths::pipe(&images);
    refused_with_little_memory(
        &train_arguments(&data, "unused"),
        &["train-images-idx3-ubyte"],
    );
}

#[test]
fn sizes_that_differ_or_do_not_suit_the_model_are_refused() {
    let data = Digits::new(20, 10);
    data.write(
        "t10k-images-idx3-ubyte",
        &idx(&[10, 32, 32], &[0; 10 * 32 * 32]),
    );
    refused_with_little_memory(
        &train_arguments(&data, "unused"),
        &["mnist", "[1, 28, 28]", "[1, 32, 32]", "expected the same"],
    );
    let data = Digits::new(20, 10);
    let arguments = [&train_arguments(&data, "unused")[..], &["--model", "vgg16"]].concat();
    refused_with_little_memory(
        &arguments,
        &["vgg16 needs images of at least 32x32", "28x28"],
    );
    assert!(!Path::new("unused").exists());
}

#[test]
fn a_torn_photograph_is_named_before_training_starts() {
    for (name, format) in [
        ("1.jpg", image::ImageFormat::Jpeg),
        ("1.png", image::ImageFormat::Png),
        ("1.gif", image::ImageFormat::Gif),
        ("1.webp", image::ImageFormat::WebP),
        ("1.bmp", image::ImageFormat::Bmp),
        ("1.ppm", image::ImageFormat::Pnm),
        ("1.tif", image::ImageFormat::Tiff),
    ] {
        for part in ["train", "test"] {
            let root = image_folder(2, 2, 2);
            let torn = root.path().join(part).join("class1").join(name);
            save(&torn, 1, 1);
            let noise = RgbImage::from_fn(99, 99, |x, y| image::Rgb([(x * y) as u8, x as u8, 7]));
            noise.save_with_format(&torn, format).unwrap();
            if format == image::ImageFormat::Pnm {
                let header = b"P6 # by hand\n99 99\n255\n";
                fs::write(&torn, [&header[..], noise.as_raw()].concat()).unwrap();
            }
            let whole = fs::read(&torn).unwrap();
            fs::write(&torn, &whole[..whole.len() - 5]).unwrap();
            let out = path(&root, "run");
            let folder = root.path().to_str().unwrap();
            let arguments = [&on_folder(folder, "resnet32")[..], &["--out", &out]].concat();
            let file = format!("{part}/class1/{name}");
            refused(&arguments, &[&file, "broken image (truncated)"]);
            assert!(!Path::new(&out).exists(), "no run folder is created");
        }
    }
}
