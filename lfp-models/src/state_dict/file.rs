//! Files of weights, recognised by their content.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read},
    path::Path,
};

use burn::store::{
    ModuleStore, SafetensorsStore, bridge,
    burn_pack::Tensor as StoredTensor,
    pytorch_reader::{PickleValue, PytorchReader},
};

use super::{Stack, error::one_line, names, pickles};

/// Bytes from which a format is recognised: up to the magic number of a tar archive.
const HEAD: u64 = 262;

/// The tensors of a file, not yet read.
pub(super) struct File {
    /// By name; the names of nested dictionaries are joined by dots.
    pub(super) tensors: BTreeMap<String, StoredTensor>,
    /// Prefixes, with the dot, of the tensors of each nested dictionary; among them the empty one.
    containers: BTreeSet<String>,
    /// Names that several tensors of the file have, and why. Which of them is meant is unknown.
    collisions: BTreeMap<String, String>,
}

impl File {
    /// Opens a file of `torch.save` or of safetensors. Sizes that it declares are checked before anything is allocated.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let head = head(path).map_err(|error| error.to_string())?;
        let file = match Format::of(&head) {
            Format::Safetensors => Self::safetensors(path)?,
            Format::PyTorch => {
                pickles::check(path, &head)?;
                Self::pytorch(path)?
            }
            Format::Other(what) => {
                return Err(format!("expected weights of PyTorch, found {what}"));
            }
        };
        match file.tensors.is_empty() {
            true => Err("the file holds no tensors".to_owned()),
            false => Ok(file),
        }
    }

    fn safetensors(path: &Path) -> Result<Self, String> {
        let mut store = SafetensorsStore::from_file(path).map_indices_contiguous(false);
        let tensors = store.get_all_tensors();
        let tensors = tensors.map_err(|error| one_line(&format!("not readable: {error}")))?;
        Ok(Self {
            tensors: tensors.clone(),
            containers: BTreeSet::from([String::new()]),
            collisions: BTreeMap::new(),
        })
    }

    fn pytorch(path: &Path) -> Result<Self, String> {
        let unreadable = |error| one_line(&format!("not readable: {error}"));
        let reader = PytorchReader::new(path).map_err(unreadable)?;
        let content = PytorchReader::read_pickle_data(path, None).map_err(unreadable)?;
        let mut containers = BTreeSet::new();
        let mut leaves = BTreeSet::new();
        let mut twice = BTreeSet::new();
        let mut leaf = |name: String| {
            if !leaves.insert(name.clone()) {
                twice.insert(name);
            }
        };
        collect_containers(String::new(), &content, &mut containers, &mut leaf);
        let tensors = reader.into_tensors().into_values();
        let tensors = tensors.map(|tensor| (tensor.name.clone(), bridge::from_pytorch(tensor)));
        let tensors: BTreeMap<String, StoredTensor> = tensors.collect();
        // Two numbers of one name do not matter.
        twice.retain(|name| tensors.contains_key(name));
        let collisions = twice.into_iter().map(|name| {
            let reason = format!("two entries have the name {name}, one in a nested dictionary");
            (name, one_line(&reason))
        });
        // A state dict carries a dictionary without tensors, `_metadata`.
        containers.retain(|prefix| {
            let first = tensors.range(prefix.clone()..).next();
            first.is_some_and(|(name, _)| name.starts_with(prefix))
        });
        Ok(Self {
            tensors,
            containers,
            collisions: collisions.collect(),
        })
    }

    /// The file with PyTorch's names, where `others` lists other names, and with the tensors that PyTorch stacks in one.
    pub(super) fn in_pytorchs_names(self, others: &[(String, String)], stacks: &[Stack]) -> Self {
        let mut collisions = BTreeMap::new();
        let mut tensors = BTreeMap::new();
        let mut origins: BTreeMap<String, String> = BTreeMap::new();
        for (name, tensor) in self.tensors {
            let renamed = names::from_other(others, &name).unwrap_or_else(|| name.clone());
            if let Some(reason) = self.collisions.get(&name) {
                collisions.insert(renamed.clone(), reason.clone());
            }
            tensors.insert(renamed.clone(), tensor);
            if let Some(first) = origins.insert(renamed.clone(), name.clone()) {
                let reason = names_of_one(&first, &name, &renamed);
                collisions.insert(renamed, reason);
            }
        }
        for (part, whole) in stacks.iter().flat_map(|stack| stack.join(&mut tensors)) {
            let reason = names_of_one(&part, &whole, &whole);
            collisions.insert(whole, reason);
        }
        Self {
            tensors,
            collisions,
            ..self
        }
    }

    /// Why the tensor of a name is unknown, if it is.
    pub(super) fn collision(&self, name: &str) -> Option<&str> {
        self.collisions.get(name).map(String::as_str)
    }

    /// Prefixes of the nested dictionaries, outermost first.
    pub(super) fn containers(&self) -> impl Iterator<Item = &str> {
        self.containers.iter().map(String::as_str)
    }

    /// The innermost dictionary that holds all tensors with the prefix `root`.
    pub(super) fn container_of(&self, root: &str) -> &str {
        let around = self.containers().filter(|prefix| root.starts_with(prefix));
        around.max_by_key(|prefix| prefix.len()).unwrap_or("")
    }

    /// Whether `prefix` is that of a nested dictionary.
    pub(super) fn has_container(&self, prefix: &str) -> bool {
        self.containers.contains(prefix)
    }
}

fn names_of_one(first: &str, second: &str, renamed: &str) -> String {
    one_line(&format!(
        "the tensors {first} and {second} are both {renamed} in PyTorch; only one of them can be loaded"
    ))
}

/// Collects the prefixes of nested dictionaries, and calls `leaf` with the names of all other values.
fn collect_containers(
    prefix: String,
    value: &PickleValue,
    containers: &mut BTreeSet<String>,
    leaf: &mut impl FnMut(String),
) {
    let PickleValue::Dict(entries) = value else {
        return leaf(prefix.strip_suffix('.').unwrap_or_default().to_owned());
    };
    for (name, entry) in entries {
        collect_containers(format!("{prefix}{name}."), entry, containers, leaf);
    }
    containers.insert(prefix);
}

fn head(path: &Path) -> io::Result<Vec<u8>> {
    // Before it is opened: opening a pipe waits for its other end.
    let found = fs::metadata(path)?;
    if !found.is_file() {
        let found = if found.is_dir() {
            "a folder"
        } else {
            "a pipe or a device"
        };
        let error = format!("expected a file of weights, found {found}");
        return Err(io::Error::other(error));
    }
    let file = fs::File::open(path)?;
    let mut head = Vec::new();
    file.take(HEAD).read_to_end(&mut head)?;
    Ok(head)
}

enum Format {
    PyTorch,
    Safetensors,
    Other(&'static str),
}

impl Format {
    fn of(head: &[u8]) -> Self {
        let tar = head.get(257..262) == Some(b"ustar");
        // The length of the header in 8 bytes, then the header, which is JSON.
        let safetensors = head.get(8) == Some(&b'{') && head.get(6..8) == Some(&[0, 0]);
        match head {
            [] => Self::Other("an empty file"),
            _ if safetensors => Self::Safetensors,
            [b'P', b'K', 3 | 5, 4 | 6, ..] | [0x80, ..] => Self::PyTorch,
            _ if tar => Self::PyTorch,
            [b'(' | b'}' | b']' | b'c' | b'L' | 0x8a, ..] => Self::PyTorch,
            [0x1f, 0x8b, ..] => Self::Other("a gzip archive; unpack it first"),
            [0x89, b'H', b'D', b'F', ..] => Self::Other("an HDF5 file"),
            _ if head.starts_with(b"version https://git-lfs") => Self::Other(
                "a pointer of Git LFS in place of the file; fetch it with `git lfs pull`",
            ),
            [b'<', ..] => Self::Other("a web page; was the download refused?"),
            _ => Self::Other("a file of another format"),
        }
    }
}
