//! Folders of image files as people have them.

use std::{collections::BTreeMap, fs, path::Path};

use image::{ExtendedColorType, ImageEncoder, RgbImage, codecs::jpeg::JpegEncoder};
use lfp_experiments::data::DataSet;
use tempfile::TempDir;

use super::{
    path,
    photographs::{counts, cub_folder, fails, image_folder, load, on_folder, save},
    program,
};

/// What a run says about a folder, which must be readable.
fn warnings(root: &TempDir) -> String {
    warnings_of("folder", root)
}

fn warnings_of(data_set: &str, root: &TempDir) -> String {
    let out = path(root, "run");
    let mut arguments = on_folder(root.path().to_str().unwrap(), "resnet32");
    arguments.extend(["--out", &out]);
    let place = arguments.iter().position(|word| *word == "folder").unwrap();
    arguments[place] = data_set;
    let output = program(&arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let is_warning = |line: &&str| line.contains("not read");
    said.lines()
        .filter(is_warning)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn images_are_found_in_subfolders_and_by_any_spelling_of_their_extension() {
    let root = image_folder(2, 2, 2);
    let class = root.path().join("train/class1");
    let jpeg = class.join("1.jpg");
    for name in ["a/b/deep.JPEG", "a/x.jfif", "y.jpe", "UPPER.JPG", "z.PNG"] {
        let copy = class.join(name);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        // The content tells the format.
        fs::copy(&jpeg, &copy).unwrap();
    }
    for name in ["c.ppm", "d.gif", "e.webp", "f.tif", "g.TIFF"] {
        save(&class.join(name), 1, 3);
    }
    let data = load(DataSet::FOLDER, root.path()).unwrap();
    assert_eq!(counts(&data.train), BTreeMap::from([(0, 2), (1, 12)]));
    for index in 0..data.train.len() {
        data.train.read(index, 0).unwrap();
    }
}

#[test]
fn what_is_no_image_is_counted_and_named() {
    let root = image_folder(2, 2, 2);
    let file = |name: &str| {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "no image").unwrap();
    };
    for name in [
        "train/class0/notes.txt",
        "train/class1/more.txt",
        "train/class0/scan.AVIF",
        "train/class0/Thumbs.db",
        "train/class0/._0.png",
        "train/class0/.DS_Store",
        "train/stray.png",
        "test/.ipynb_checkpoints/0.png",
        "train/class1/README",
    ] {
        file(name);
    }
    let said = warnings(&root);
    for words in [
        "3 hidden (first",
        "2 .txt (first",
        "class0/notes.txt",
        "1 .AVIF",
        "1 Thumbs.db of the system",
        "more kinds",
    ] {
        assert!(said.contains(words), "expected \"{words}\" in: {said}");
    }
    assert_eq!(said.lines().count(), 1, "{said}");

    // A class of nothing else is refused, and says what it has.
    let class = root.path().join("train/class0");
    for entry in fs::read_dir(&class).unwrap() {
        let path = entry.unwrap().path();
        let is_image = path
            .extension()
            .is_some_and(|of| of == "png" || of == "jpg");
        if is_image && !path.file_name().unwrap().to_string_lossy().starts_with('.') {
            fs::remove_file(path).unwrap();
        }
    }
    fails(
        load(DataSet::FOLDER, root.path()),
        &["train/class0", "expected images", "1 .AVIF"],
    );
}

#[test]
fn an_image_that_no_list_mentions_is_counted_and_named() {
    let root = cub_folder();
    let inner = root.path().join("CUB_200_2011/images");
    save(&inner.join("001.Some_Bird/unlisted.jpg"), 0, 9);
    fs::write(inner.join("001.Some_Bird/README.md"), "no image").unwrap();
    let said = warnings_of("cub", &root);
    for words in ["1 image without a label (first", "unlisted.jpg", "1 .md"] {
        assert!(said.contains(words), "expected \"{words}\" in: {said}");
    }
}

#[test]
#[cfg(unix)]
fn links_are_followed_and_broken_or_circular_ones_are_named() {
    use std::os::unix::fs::symlink;

    let root = image_folder(2, 2, 2);
    let class = root.path().join("train/class1");
    symlink(
        root.path().join("train/class0/0.png"),
        class.join("linked.png"),
    )
    .unwrap();
    symlink(root.path().join("nowhere.png"), class.join("dangling.png")).unwrap();
    symlink(&class, class.join("circle")).unwrap();
    symlink("itself.png", class.join("itself.png")).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    save(&elsewhere.path().join("other.png"), 1, 5);
    symlink(elsewhere.path(), class.join("elsewhere")).unwrap();
    symlink(elsewhere.path(), class.join("elsewhere too")).unwrap();
    // A class that is a link itself.
    fs::rename(root.path().join("test/class0"), root.path().join("kept")).unwrap();
    symlink(root.path().join("kept"), root.path().join("test/class0")).unwrap();

    let data = load(DataSet::FOLDER, root.path()).unwrap();
    assert_eq!(counts(&data.train), BTreeMap::from([(0, 2), (1, 4)]));
    assert_eq!(counts(&data.test), BTreeMap::from([(0, 2), (1, 2)]));
    let said = warnings(&root);
    for words in ["2 broken link (first", "2 folder that was read already"] {
        assert!(said.contains(words), "expected \"{words}\" in: {said}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn names_need_not_be_text() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    let root = image_folder(1, 1, 1);
    // Shown alike, but two classes.
    for name in [&b"caf\xe9"[..], b"caf\xe8", b"line\nend"] {
        for part in ["train", "test"] {
            let class = root.path().join(part).join(OsStr::from_bytes(name));
            fs::create_dir(&class).unwrap();
            let image = class.join(OsStr::from_bytes(b"\xff.png"));
            fs::copy(root.path().join("train/class0/0.png"), image).unwrap();
        }
    }
    let data = load(DataSet::FOLDER, root.path()).unwrap();
    assert_eq!(data.train.num_classes(), 4);
    assert_eq!(counts(&data.test).len(), 4);
    for index in 0..4 {
        data.train.read(index, 0).unwrap();
    }
}

#[test]
fn a_test_part_without_classes_is_passed_over_for_one_with() {
    let root = image_folder(2, 2, 3);
    let inside = |name: &str| root.path().join(name);
    fs::rename(inside("test"), inside("val")).unwrap();
    save(&inside("test/1.png"), 0, 1);
    save(&inside("test/2.png"), 1, 1);
    let data = load(DataSet::FOLDER, root.path()).unwrap();
    assert_eq!(counts(&data.test), BTreeMap::from([(0, 3), (1, 3)]));
    let said = warnings(&root);
    assert!(said.contains("1 test part without classes"), "{said}");

    fs::remove_dir_all(inside("val")).unwrap();
    fails(load(DataSet::FOLDER, root.path()), &["test/CLASS/*"]);
}

#[test]
fn a_folder_without_the_data_set_says_what_to_do_with_what_it_has() {
    let root = tempfile::tempdir().unwrap();
    for (name, words) in [
        ("data-00000-of-00001.arrow", "is a table of Hugging Face"),
        (
            "0000.parquet",
            "train-*.parquet and test-*.parquet are read",
        ),
        (
            "cifar-10-python.tar.gz",
            "unpack cifar-10-python.tar.gz first",
        ),
    ] {
        let file = root.path().join(name);
        fs::write(&file, "").unwrap();
        for data_set in [DataSet::CIFAR10, DataSet::MNIST, DataSet::FOLDER] {
            fails(load(data_set, root.path()), &["found no", words]);
        }
        fs::remove_file(&file).unwrap();
    }
    fails(
        load(DataSet::CIFAR10, Path::new("/nowhere")),
        &["/nowhere", "no such folder"],
    );
}

fn jpeg(image: &RgbImage) -> Vec<u8> {
    let mut jpeg = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, 90);
    let (width, height) = image.dimensions();
    encoder
        .write_image(image, width, height, ExtendedColorType::Rgb8)
        .unwrap();
    jpeg
}

/// An EXIF segment that asks to turn the image by a quarter.
fn turned() -> Vec<u8> {
    let tiff = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let length = (tiff.len() as u16 + 2).to_be_bytes();
    [&[0xff, 0xe1][..], &length, tiff].concat()
}

#[test]
fn the_pixels_of_a_jpeg_do_not_depend_on_exif_and_stray_bytes() {
    let root = image_folder(1, 1, 1);
    let file = root.path().join("test/class0/0.jpg");
    fs::remove_file(root.path().join("test/class0/0.png")).unwrap();
    let image = RgbImage::from_fn(60, 40, |x, y| image::Rgb([4 * x as u8, 6 * y as u8, 9]));
    let plain = jpeg(&image);
    let (start, rest) = plain.split_at(2);
    // After the segment of JFIF.
    let first = 2 + usize::from(u16::from_be_bytes([rest[2], rest[3]]));
    let pixels = |content: &[u8]| {
        fs::write(&file, content).unwrap();
        let data = load(DataSet::FOLDER, root.path()).unwrap();
        data.test.read(0, 0).unwrap()
    };
    let expected = pixels(&plain);
    // Pillow and torchvision do not turn the image either.
    assert!(pixels(&[start, &turned(), rest].concat()) == expected);
    let stray = [start, &rest[..first], &[1, 2, 3, 4, 5], &rest[first..]].concat();
    assert!(pixels(&stray) == expected);
    let trailing = [&plain[..], b"appended by a camera"].concat();
    assert!(pixels(&trailing) == expected);
}
