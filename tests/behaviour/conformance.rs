//! The reference results of the authors' package.

use std::{collections::HashMap, fs, path::PathBuf};

use burn::tensor::Device;
use lfp_experiments::conformance::{Case, find};
use safetensors::{SafeTensors, tensor::TensorView};

fn cases() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("cases")
}

#[test]
fn every_case_passes() {
    let paths = find(&cases()).unwrap();
    assert_eq!(paths.len(), 21);
    for path in paths {
        let case = Case::load(&path).unwrap();
        let rows = case.run(&Device::default()).unwrap();
        assert!(rows.len() >= 4, "{}: compares too little", case.name());
        for row in rows {
            assert!(row.passed(), "{}: {row}", case.name());
        }
    }
}

/// A case with something changed: its tensors and metadata go through `change`.
fn changed(
    change: impl FnOnce(&mut HashMap<String, Vec<u8>>, &mut HashMap<String, String>),
) -> String {
    let bytes = fs::read(cases().join("mlp_relu.safetensors")).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let mut metadata = header.metadata().clone().unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: HashMap<_, _> = file
        .iter()
        .map(|(name, view)| (name.to_owned(), view.data().to_vec()))
        .collect();
    change(&mut tensors, &mut metadata);
    let views: Vec<_> = tensors
        .iter()
        .map(|(name, data)| {
            let view = file.tensor(name).unwrap();
            // A changed length becomes a vector.
            let shape = match data.len() == view.data().len() {
                true => view.shape().to_vec(),
                false => vec![data.len() / view.dtype().bitsize().div_ceil(8)],
            };
            (
                name.clone(),
                TensorView::new(view.dtype(), shape, data).unwrap(),
            )
        })
        .collect();
    let bytes = safetensors::serialize(views, Some(metadata)).unwrap();
    report(&bytes)
}

/// What loading and running says.
fn report(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.safetensors");
    fs::write(&path, bytes).unwrap();
    let error = match Case::load(&path) {
        Ok(case) => case
            .run(&Device::default())
            .expect_err("the case is malformed"),
        Err(error) => error,
    };
    let text = error.to_string();
    assert!(text.contains("case.safetensors"), "names the file: {text}");
    assert!(!text.contains('\n'), "one line: {text}");
    text
}

#[test]
fn malformed_cases_are_named() {
    let set = |key: &'static str, value: &'static str| {
        changed(move |_, metadata| {
            metadata.insert(key.to_owned(), value.to_owned());
        })
    };
    assert!(set("layers", "[{").contains("JSON"));
    assert!(set("layers", r#"[{"type": "attention"}]"#).contains("attention"));
    assert!(set("epsilon", "0").contains("positive"));
    assert!(set("tolerance", "much").contains("tolerance"));
    assert!(set("reward", "praise").contains("praise"));
    assert!(set("format", "lfp-conformance/9").contains("lfp-conformance/1"));
    let without = |name: &'static str| {
        changed(move |tensors, _| {
            tensors.remove(name);
        })
    };
    assert!(without("param/fc2.weight").contains("param/fc2.weight"));
    assert!(without("labels").contains("labels"));
    assert!(without("feedback/fc1.bias").contains("feedback/fc1.bias"));
    let shorter = |name: &'static str| {
        changed(move |tensors, _| {
            let data = tensors.get_mut(name).unwrap();
            data.truncate(data.len() - 8);
        })
    };
    assert!(shorter("param/fc2.bias").contains("fc2.bias"));
    assert!(shorter("input").contains("input"));
    assert!(shorter("labels").contains("labels"));
    let label = changed(|tensors, _| tensors.get_mut("labels").unwrap()[..8].fill(0x7f));
    assert!(label.contains("classes from 0 to 2"), "{label}");
    assert!(report(b"not a case").contains("safetensors"));
    let bytes = fs::read(cases().join("mlp_relu.safetensors")).unwrap();
    assert!(report(&bytes[..bytes.len() / 2]).contains("safetensors"));
}
