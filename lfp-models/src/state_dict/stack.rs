//! Tensors that PyTorch keeps in one, one after the other along the first axis.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use burn::{
    store::{
        SafetensorsStoreError,
        burn_pack::{Error as PackError, Tensor as StoredTensor},
    },
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

    /// The whole in place of its parts among the tensors of a file, below any prefix. Returns the names of a part and of the
    /// whole where the file has both.
    pub(super) fn join(
        &self,
        tensors: &mut BTreeMap<String, StoredTensor>,
    ) -> Vec<(String, String)> {
        let Some(first) = self.parts.first() else {
            return Vec::new();
        };
        let roots = tensors.keys().filter_map(|name| name.strip_suffix(first));
        let roots = roots.filter(|root| root.is_empty() || root.ends_with('.'));
        let mut both = Vec::new();
        for root in roots.map(str::to_owned).collect::<Vec<_>>() {
            let below = |name: &String| format!("{root}{name}");
            let stack = Self {
                whole: below(&self.whole),
                parts: self.parts.iter().map(below).collect(),
            };
            match tensors.contains_key(&stack.whole) {
                true => both.push((below(first), stack.whole)),
                false => stack.join_here(tensors),
            }
        }
        both
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

/// A tensor in equal parts along its first axis. It is read once, and dropped when each part has been read.
pub(super) fn split(whole: &StoredTensor, count: usize) -> Vec<StoredTensor> {
    if count == 1 {
        return vec![whole.clone()];
    }
    let mut shape = whole.shape.to_vec();
    if let Some(rows) = shape.first_mut() {
        *rows /= count;
    }
    let length = whole.byte_len() / count;
    let shared = Arc::new(Mutex::new(Whole {
        tensor: whole.clone(),
        bytes: None,
        unread: count,
    }));
    let part = |index: usize| {
        let (name, dtype, shape) = (whole.name.clone(), whole.dtype, shape.clone());
        let whole = shared.clone();
        StoredTensor::deferred(name, dtype, shape, None, length, move || {
            let mut whole = whole.lock().unwrap_or_else(PoisonError::into_inner);
            whole.part(index * length..(index + 1) * length)
        })
    };
    (0..count).map(part).collect()
}

/// A tensor of which parts are read, one after the other.
struct Whole {
    tensor: StoredTensor,
    /// Its content between the first part and the last.
    bytes: Option<Bytes>,
    /// The number of parts that have not been read.
    unread: usize,
}

impl Whole {
    fn part(&mut self, range: Range<usize>) -> Result<Bytes, PackError> {
        let bytes = match self.bytes.take() {
            Some(bytes) => bytes,
            None => self.tensor.to_bytes()?,
        };
        let part = bytes.get(range).unwrap_or_default().to_vec();
        self.unread = self.unread.saturating_sub(1);
        self.bytes = (self.unread > 0).then_some(bytes);
        Ok(Bytes::from_bytes_vec(part))
    }
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use burn::tensor::DType;

    use super::*;

    #[test]
    fn a_whole_is_read_once_for_all_its_parts() {
        let reads = Arc::new(AtomicUsize::new(0));
        let counter = reads.clone();
        let whole =
            StoredTensor::deferred("w".to_owned(), DType::U8, vec![6], None, 6, move || {
                counter.fetch_add(1, Ordering::Relaxed);
                Ok(Bytes::from_bytes_vec(vec![1, 2, 3, 4, 5, 6]))
            });
        let parts = split(&whole, 3);
        let bytes = |index: usize| parts[index].to_bytes().unwrap().to_vec();
        // The model asks for them in an order of its own.
        assert_eq!([bytes(2), bytes(0), bytes(1)], [[5, 6], [1, 2], [3, 4]]);
        assert_eq!(reads.load(Ordering::Relaxed), 1);
    }
}
