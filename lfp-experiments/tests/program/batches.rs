//! Batches of data sets, by our loader and by Burn's.

use std::{fs, path::Path, sync::Arc};

use burn::{
    data::{
        dataloader::DataLoaderBuilder,
        dataset::{Dataset, DatasetError},
    },
    tensor::Device,
};
use lfp_experiments::data::{
    Batch, Batches, DataSet, Order, Reading, Sample, SampleBatcher, Samples,
};

use super::{
    Digits,
    cifar::cifar_folder,
    photographs::{READING, image_folder, isic_folder, load},
};

/// Pixels and labels of a batch.
type Contents = (Vec<f32>, Vec<i64>);

/// The contents of every batch.
fn read_all(data: &Arc<dyn Samples>, workers: usize, order: Order) -> Vec<Contents> {
    let batches = Batches {
        data,
        size: 5,
        order,
        workers,
    };
    let batches = batches
        .iter(&Device::default())
        .map(|batch| read(batch.unwrap()));
    batches.collect()
}

fn read(batch: Batch) -> Contents {
    let pixels = batch.inputs.into_data().iter::<f32>().collect();
    (pixels, batch.targets.into_data().iter::<i64>().collect())
}

#[test]
fn batches_are_the_same_for_any_number_of_workers_and_with_a_cache() {
    let root = isic_folder();
    let plain = load(DataSet::ISIC, root.path()).unwrap().train;
    let cached = Reading {
        cached: true,
        ..READING
    };
    let cached = DataSet::ISIC.load(Some(root.path()), cached).unwrap().train;
    let expected = read_all(&plain, 1, Order::Shuffled(7));
    assert_eq!(expected.len(), plain.len().div_ceil(5));
    for workers in [2, 3, 8] {
        assert!(
            read_all(&plain, workers, Order::Shuffled(7)) == expected,
            "{workers} workers"
        );
    }
    for _ in 0..2 {
        assert!(
            read_all(&cached, 2, Order::Shuffled(7)) == expected,
            "cached"
        );
    }
    assert!(
        read_all(&plain, 2, Order::Shuffled(8)) != expected,
        "another epoch"
    );
}

/// The contents of every batch of Burn's data loader, or its first error.
fn read_by_burn(data: &Arc<dyn Samples>) -> Result<Vec<Contents>, DatasetError> {
    let batcher = SampleBatcher {
        shape: data.shape(),
    };
    let dataset: Arc<dyn Dataset<Sample>> = data.clone();
    let loader = DataLoaderBuilder::new(batcher).batch_size(5).build(dataset);
    loader.iter().map(|batch| batch.map(read)).collect()
}

#[test]
fn burns_data_loader_makes_the_same_batches_of_every_kind_of_data_set() {
    let (digits, cifar, images) = (Digits::new(20, 12), cifar_folder(50), image_folder(3, 2, 4));
    for (data_set, root) in [
        (DataSet::MNIST, Some(Path::new(digits.path()))),
        (DataSet::CIFAR10, Some(cifar.path())),
        (DataSet::FOLDER, Some(images.path())),
        (DataSet::BLOBS, None),
    ] {
        let test = data_set.load(root, READING).unwrap().test;
        let found = read_by_burn(&test).unwrap();
        assert_eq!(found.len(), test.len().div_ceil(5), "{data_set}");
        assert!(found == read_all(&test, 2, Order::Given), "{data_set}");
    }
}

#[test]
fn burns_data_loader_reports_a_broken_image_by_name() {
    let root = image_folder(2, 2, 3);
    let test = load(DataSet::FOLDER, root.path()).unwrap().test;
    fs::write(root.path().join("test/class1/0.png"), "not an image").unwrap();
    let error = read_by_burn(&test).unwrap_err().to_string();
    for word in ["test/class1/0.png", "broken image"] {
        assert!(error.contains(word), "expected \"{word}\" in: {error}");
    }
}

#[test]
fn every_access_by_burn_augments_differently() {
    let root = isic_folder();
    let data = load(DataSet::ISIC, root.path()).unwrap();
    let first = data.train.get(0).unwrap();
    assert_eq!(first.label, data.train.label(0));
    assert!((0..32).any(|_| data.train.get(0).unwrap() != first));
    // Test images are not augmented.
    let first = data.test.get(0).unwrap();
    assert!((0..4).all(|_| data.test.get(0).unwrap() == first));
}
