//! The tensors of a case.

use std::collections::HashMap;

use burn::tensor::{Device, Tensor, TensorData};
use safetensors::{Dtype, SafeTensors};

use super::error::Malformed;

/// A float tensor of a case.
#[derive(Clone, Debug)]
pub(super) struct Array {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

impl Array {
    /// Converts to `[batch, channels, height, width]`, where `sample` is the shape of one sample. Vectors get a height and
    /// width of 1; steps are folded into the batch.
    pub(super) fn images(&self, sample: &[usize], device: &Device) -> Tensor<4> {
        let batch = self.values.len() / sample.iter().product::<usize>().max(1);
        let mut shape = vec![batch];
        shape.extend(sample);
        shape.resize(4, 1);
        Tensor::from_data(TensorData::new(self.values.clone(), shape), device)
    }

    pub(super) fn tensor<const D: usize>(&self, device: &Device) -> Tensor<D> {
        let data = TensorData::new(self.values.clone(), self.shape.clone());
        Tensor::from_data(data, device)
    }
}

/// Token ids, `[batch, tokens]`.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<i64>,
}

/// The float tensors of a case by name, and its token ids.
#[derive(Debug)]
pub(super) struct Arrays {
    floats: HashMap<String, Array>,
    ids: Option<Ids>,
}

impl Arrays {
    /// Reads the float tensors and the labels of a file.
    pub(super) fn read(file: &SafeTensors<'_>) -> Result<(Self, Vec<i64>), Malformed> {
        let mut arrays = HashMap::new();
        let mut labels = None;
        let mut ids = None;
        for (name, view) in file.iter() {
            let wrong = |expected| Malformed::Dtype {
                name: name.to_owned(),
                expected,
                found: view.dtype(),
            };
            if view.shape().contains(&0) {
                return Err(Malformed::shape(name, "no dimension of 0", view.shape()));
            }
            if name == "labels" {
                if view.dtype() != Dtype::I64 {
                    return Err(wrong("int64"));
                }
                labels = Some(elements(view.data(), i64::from_le_bytes));
            } else if name == "input" && view.dtype() == Dtype::I64 {
                ids = Some(Ids {
                    shape: view.shape().to_vec(),
                    values: elements(view.data(), i64::from_le_bytes),
                });
            } else {
                if view.dtype() != Dtype::F32 {
                    return Err(wrong("float32"));
                }
                let array = Array {
                    shape: view.shape().to_vec(),
                    values: elements(view.data(), f32::from_le_bytes),
                };
                arrays.insert(name.to_owned(), array);
            }
        }
        let labels = labels.ok_or_else(|| Malformed::NoTensor("labels".to_owned()))?;
        let arrays = Self {
            floats: arrays,
            ids,
        };
        Ok((arrays, labels))
    }

    pub(super) fn get(&self, name: &str) -> Result<&Array, Malformed> {
        self.floats
            .get(name)
            .ok_or_else(|| Malformed::NoTensor(name.to_owned()))
    }

    /// The token ids, if they are the input.
    pub(super) fn ids(&self) -> Option<&Ids> {
        self.ids.as_ref()
    }

    /// The names of all float tensors.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.floats.keys().map(String::as_str)
    }
}

fn elements<E, const N: usize>(bytes: &[u8], read: fn([u8; N]) -> E) -> Vec<E> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks.iter().map(|&chunk| read(chunk)).collect()
}
