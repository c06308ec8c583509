//! Names of tensors: PyTorch's for a model's own, and what names tell about the order of layers.

use burn::{
    store::{BurnToPyTorchAdapter, ModuleSnapshot},
    tensor::DType,
};

use crate::Classifier;

/// A tensor of a model.
pub(super) struct Parameter {
    /// PyTorch's name.
    pub(super) name: String,
    /// Path in the model; several if the tensor holds [several](super::Stack) of the model's.
    pub(super) paths: Vec<String>,
    /// Shape in PyTorch's layout.
    pub(super) shape: Vec<usize>,
    /// Type of its numbers.
    pub(super) dtype: DType,
}

/// All tensors of a model.
pub(super) fn parameters<M: Classifier>(model: &M) -> Vec<Parameter> {
    let layers = model.pytorch_names();
    let tensors = model.collect(None, Some(Box::new(BurnToPyTorchAdapter)), true);
    let tensors = tensors.into_iter().map(|tensor| Parameter {
        name: to_pytorch(&layers, &tensor.name),
        shape: tensor.shape.to_vec(),
        dtype: tensor.dtype,
        paths: vec![tensor.name],
    });
    let mut tensors = tensors.collect();
    for stack in model.pytorch_stacks() {
        stack.join_parameters(&mut tensors);
    }
    tensors
}

/// PyTorch's path of the layer that outputs the classes.
pub(super) fn last_layer<M: Classifier>(model: &M) -> String {
    let path = format!("{}.", model.last_layer());
    let path = to_pytorch(&model.pytorch_names(), &path);
    path.trim_end_matches('.').to_owned()
}

/// The name in PyTorch of the tensor at `path` in the model; `None` if `names` lists neither the tensor nor its layer.
fn renamed(names: &[(String, String)], path: &str) -> Option<String> {
    names.iter().find_map(|(ours, theirs)| {
        let rest = path.strip_prefix(ours.as_str())?;
        (rest.is_empty() || rest.starts_with('.')).then(|| format!("{theirs}{rest}"))
    })
}

fn to_pytorch(names: &[(String, String)], path: &str) -> String {
    renamed(names, path).unwrap_or_else(|| path.to_owned())
}

/// PyTorch's name of a tensor of a file, where `others` lists other names of layers and tensors, below any prefix; `None` if
/// it lists none of this tensor.
pub(super) fn from_other(others: &[(String, String)], name: &str) -> Option<String> {
    let dots = name.match_indices('.').map(|(index, _)| index + 1);
    std::iter::once(0).chain(dots).find_map(|start| {
        let (root, rest) = name.split_at(start);
        let renamed = renamed(others, rest).filter(|renamed| renamed != rest)?;
        Some(format!("{root}{renamed}"))
    })
}

/// The layer of a tensor, and the tensor's name within it.
pub(super) fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

/// Whether a tensor counts something and holds no weights.
pub(super) fn counts(name: &str) -> bool {
    matches!(split(name).1, "num_batches_tracked" | "n_averaged")
}

/// The name with `#` for each number. Layers of one list have the same skeleton.
pub(super) fn skeleton(name: &str) -> String {
    let pieces = natural(name).into_iter();
    let pieces = pieces.map(|piece| match piece {
        Piece::Number(..) => "#".to_owned(),
        Piece::Text(text) => text,
    });
    pieces.collect()
}

/// A part of a name, in the order in which people count: `fc2` before `fc10`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Piece {
    /// Digits without leading zeros, after their number: longer numbers are larger.
    Number(usize, String),
    /// Anything else.
    Text(String),
}

/// A key that sorts names as people count.
pub(super) fn natural(name: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let numeric = first.is_ascii_digit();
        let other = |character: char| character.is_ascii_digit() != numeric;
        let (piece, after) = rest.split_at(rest.find(other).unwrap_or(rest.len()));
        pieces.push(match numeric {
            true => {
                let digits = piece.trim_start_matches('0');
                Piece::Number(digits.len(), digits.to_owned())
            }
            false => Piece::Text(piece.to_owned()),
        });
        rest = after;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_ordered_as_people_count() {
        let mut names = ["fc10", "fc2", "conv1", "fc02.a", "fc9"];
        names.sort_by_key(|name| natural(name));
        assert_eq!(names, ["conv1", "fc2", "fc02.a", "fc9", "fc10"]);
        assert_eq!(skeleton("layer2.10.conv1"), "layer#.#.conv#");
    }
}
