//! Tensors that PyTorch keeps in one, one after the other along the first axis.

use std::collections::{BTreeMap, HashMap};

use burn::{
    store::{SafetensorsStoreError, burn_pack::Tensor as StoredTensor},
    tensor::Bytes,
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::names::Parameter;

/// A tensor of a file that holds several of the model's, all of one shape, one after the other along the first axis: the
/// `in_proj_weight` of attention holds the weights of queries, keys and values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    /// Name of the tensor in the file.
    pub whole: String,
    /// Names of its parts, in order: what [`Classifier::pytorch_names`](crate::Classifier::pytorch_names) makes of the
    /// paths in the model.
    pub parts: Vec<String>,
}

impl Stack {
    /// The shape of the whole and its type, if all parts are there and have the same.
    fn shape<T: PartialEq>(
        &self,
        of_part: impl Fn(&str) -> Option<(Vec<usize>, T)>,
    ) -> Option<(Vec<usize>, T)> {
        let mut parts = self.parts.iter().map(|part| of_part(part));
        let first = parts.next()??;
        if !parts.all(|other| other.as_ref() == Some(&first)) {
            return None;
        }
        let (mut shape, of_type) = first;
        *shape.first_mut()? *= self.parts.len();
        Some((shape, of_type))
    }

    /// The whole in place of its parts among the tensors of a file, below any prefix.
    pub(super) fn join(&self, tensors: &mut BTreeMap<String, StoredTensor>) {
        let Some(first) = self.parts.first() else {
            return;
        };
        let roots = tensors.keys().filter_map(|name| name.strip_suffix(first));
        let roots = roots.filter(|root| root.is_empty() || root.ends_with('.'));
        for root in roots.map(str::to_owned).collect::<Vec<_>>() {
            let below = |name: &String| format!("{root}{name}");
            let stack = Self {
                whole: below(&self.whole),
                parts: self.parts.iter().map(below).collect(),
            };
            stack.join_here(tensors);
        }
    }

    fn join_here(self, tensors: &mut BTreeMap<String, StoredTensor>) {
        let of_part = |tensor: &StoredTensor| (tensor.shape.to_vec(), tensor.dtype);
        let Some((shape, dtype)) = self.shape(|part| tensors.get(part).map(of_part)) else {
            return;
        };
        let parts = self.parts.iter().filter_map(|part| tensors.remove(part));
        let parts: Vec<_> = parts.collect();
        let length = parts.iter().map(StoredTensor::byte_len).sum();
        let name = self.whole.clone();
        let whole = StoredTensor::deferred(name, dtype, shape, None, length, move || {
            let mut bytes = Vec::with_capacity(length);
            for part in &parts {
                bytes.extend_from_slice(&part.to_bytes()?);
            }
            Ok(Bytes::from_bytes_vec(bytes))
        });
        tensors.insert(self.whole, whole);
    }

    /// The whole in place of its parts among the tensors of a model.
    pub(super) fn join_parameters(&self, tensors: &mut Vec<Parameter>) {
        let of_part = |name: &str| tensors.iter().find(|tensor| tensor.name == name);
        let shape = self.shape(|part| of_part(part).map(|own| (own.shape.clone(), own.dtype)));
        let Some((shape, dtype)) = shape else { return };
        let parts = self.parts.iter().filter_map(|part| of_part(part));
        let whole = Parameter {
            name: self.whole.clone(),
            paths: parts.flat_map(|part| part.paths.clone()).collect(),
            shape,
            dtype,
        };
        tensors.retain(|tensor| !self.parts.contains(&tensor.name));
        tensors.push(whole);
    }
}

/// A tensor in equal parts along its first axis.
pub(super) fn split(whole: &StoredTensor, count: usize) -> Vec<StoredTensor> {
    if count == 1 {
        return vec![whole.clone()];
    }
    let mut shape = whole.shape.to_vec();
    if let Some(rows) = shape.first_mut() {
        *rows /= count;
    }
    let length = whole.byte_len() / count;
    let part = |index: usize| {
        let (name, dtype, shape) = (whole.name.clone(), whole.dtype, shape.clone());
        let whole = whole.clone();
        StoredTensor::deferred(name, dtype, shape, None, length, move || {
            let bytes = whole.to_bytes()?;
            let part = bytes.iter().skip(index * length).take(length);
            Ok(Bytes::from_bytes_vec(part.copied().collect()))
        })
    };
    (0..count).map(part).collect()
}

/// Shape and type of a tensor, and its bytes.
type Joined = ((Vec<usize>, Dtype), Vec<u8>);

/// A safetensors file with each whole in place of its parts.
pub(super) fn join_file(stacks: &[Stack], file: Vec<u8>) -> Result<Vec<u8>, SafetensorsStoreError> {
    if stacks.is_empty() {
        return Ok(file);
    }
    let tensors = SafeTensors::deserialize(&file)?;
    let mut joined: BTreeMap<String, Joined> = BTreeMap::new();
    for (name, view) in tensors.iter() {
        let tensor = ((view.shape().to_vec(), view.dtype()), view.data().to_vec());
        joined.insert(name.to_owned(), tensor);
    }
    for stack in stacks {
        if let Some(of_whole) = stack.shape(|part| Some(joined.get(part)?.0.clone())) {
            let parts = stack.parts.iter().filter_map(|part| joined.remove(part));
            let data = parts.flat_map(|(_, data)| data).collect();
            joined.insert(stack.whole.clone(), (of_whole, data));
        }
    }
    let mut views = Vec::new();
    for (name, ((shape, dtype), data)) in &joined {
        views.push((name, TensorView::new(*dtype, shape.clone(), data)?));
    }
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    Ok(safetensors::serialize(views, Some(metadata))?)
}
