//! Errors of loading weights: the cause first, then a few names.

use std::{fmt, path::PathBuf};

use super::Difference;

/// The number of tensors that a message names; it counts the others.
const NAMED: usize = 5;
/// The length up to which the words of a reader are repeated.
const LONGEST_REASON: usize = 300;

/// Errors of [`StateDict::apply_to`](crate::StateDict::apply_to). Each is a single line.
#[derive(Debug, thiserror::Error)]
pub enum StateDictError {
    /// The file is missing, torn, or none that holds weights.
    #[error("{path}: {reason}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file belongs to another model.
    #[error("{path}: the weights do not fit the model: {mismatch}", path = path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// All differences.
        mismatch: Box<Mismatch>,
        /// What to allow so that the file loads; empty if too little of it would load.
        allow: Vec<Difference>,
    },
    /// The file holds several sets of weights that fit.
    #[error(
        "{path}: several parts of the file fit the model, choose one: {}",
        listed(parts.iter().cloned(), NAMED), path = path.display()
    )]
    Ambiguous {
        /// The file.
        path: PathBuf,
        /// The parts that fit; `.` for the tensors outside all parts.
        parts: Vec<String>,
    },
    /// The file does not have the chosen part.
    #[error("{path}: the file has no part \"{part}\"; it has {}", parts_of(parts), path = path.display())]
    NoPart {
        /// The file.
        path: PathBuf,
        /// The chosen part.
        part: String,
        /// The parts of the file; empty if the names of its tensors have no dots.
        parts: Vec<String>,
    },
    /// A tensor holds a number that no weight can have.
    #[error("{path}: {tensor} {reason}", path = path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// PyTorch's name of the tensor.
        tensor: String,
        /// What it holds.
        reason: String,
    },
    /// The weights were trained with other spiking neurons.
    #[error(
        "{path}: the weights belong to other spiking neurons: {tensor} means {constant} {theirs}, the settings say {ours}",
        path = path.display()
    )]
    Neurons {
        /// The file.
        path: PathBuf,
        /// PyTorch's name of the constant.
        tensor: String,
        /// The setting that it corresponds to.
        constant: &'static str,
        /// The value in the file.
        theirs: f64,
        /// The value in the settings.
        ours: f64,
    },
}

/// Differences between a file and a model, in PyTorch's names and layouts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// Tensors of the model that the file does not have.
    pub missing: Vec<String>,
    /// Tensors of the file that the model does not have.
    pub unused: Vec<String>,
    /// Tensors of different shapes: name, shape in the model, shape in the file.
    pub shapes: Vec<(String, Vec<usize>, Vec<usize>)>,
}

impl Mismatch {
    /// Which differences there are.
    pub fn kinds(&self) -> impl Iterator<Item = Difference> {
        let kinds = [
            (Difference::Missing, self.missing.is_empty()),
            (Difference::Unused, self.unused.is_empty()),
            (Difference::Shapes, self.shapes.is_empty()),
        ];
        let kinds = kinds.into_iter().filter(|(_, none)| !none);
        kinds.map(|(kind, _)| kind)
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = |(name, ours, theirs): &(String, Vec<usize>, Vec<usize>)| {
            format!("{name} (expected {ours:?}, found {theirs:?})")
        };
        let parts: [(&str, Vec<String>); 3] = [
            ("wrong shape", self.shapes.iter().map(shape).collect()),
            ("missing", self.missing.clone()),
            ("unused", self.unused.clone()),
        ];
        let parts: Vec<_> = parts
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .collect();
        if parts.is_empty() {
            // Only the last layer has partners in the file, and it is to keep its weights.
            return f.write_str("it has none for the layers that would load");
        }
        let mut left = NAMED;
        for (index, (what, names)) in parts.iter().enumerate() {
            // Each of the later parts names at least one.
            let later = parts.len() - 1 - index;
            let share = left.saturating_sub(later).min(names.len());
            left -= share;
            let separator = if index > 0 { "; " } else { "" };
            let names = listed(names.iter().cloned(), share);
            write!(f, "{separator}{what}: {names}")?;
        }
        Ok(())
    }
}

fn parts_of(parts: &[String]) -> String {
    match parts {
        [] => "no parts".to_owned(),
        _ => listed(parts.iter().cloned(), NAMED),
    }
}

/// The first `named` of the names, and the number of the others.
fn listed(names: impl ExactSizeIterator<Item = String>, named: usize) -> String {
    let others = names.len().saturating_sub(named);
    let names: Vec<String> = names.take(named).map(|name| one_line(&name)).collect();
    match others {
        0 => names.join(", "),
        _ => format!("{} and {others} more", names.join(", ")),
    }
}

/// Text from a file or a reader: no control characters, and not long.
pub(super) fn one_line(text: &str) -> String {
    let plain = |character: char| match character.is_control() {
        true => ' ',
        false => character,
    };
    let mut line: String = text.chars().map(plain).take(LONGEST_REASON).collect();
    if text.chars().nth(LONGEST_REASON).is_some() {
        line.push_str("...");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_five_tensors_and_counts_the_others() {
        let names = |word: &str, count| (0..count).map(|i| format!("{word}{i}")).collect();
        let mismatch = Mismatch {
            missing: names("a", 2),
            unused: names("b", 182),
            shapes: Vec::new(),
        };
        let expected = "missing: a0, a1; unused: b0, b1, b2 and 179 more";
        assert_eq!(mismatch.to_string(), expected);
        let shapes = names("c", 9).into_iter();
        let shapes = shapes.map(|name: String| (name, vec![2], vec![3]));
        let mismatch = Mismatch {
            shapes: shapes.collect(),
            ..mismatch
        };
        let text = mismatch.to_string();
        assert!(text.starts_with("wrong shape: c0 (expected [2], found [3]), c1"));
        assert!(
            text.ends_with("and 6 more; missing: a0 and 1 more; unused: b0 and 181 more"),
            "{text}"
        );
    }

    #[test]
    fn a_message_has_no_holes() {
        let path = PathBuf::from("a.pth");
        let none = StateDictError::Mismatch {
            path: path.clone(),
            mismatch: Box::default(),
            allow: Vec::new(),
        };
        let no_parts = StateDictError::NoPart {
            path,
            part: "ema".to_owned(),
            parts: Vec::new(),
        };
        assert!(none.to_string().ends_with("the layers that would load"));
        assert!(no_parts.to_string().ends_with("it has no parts"));
    }

    #[test]
    fn what_a_file_says_stays_on_one_short_line() {
        let line = one_line(&format!("a\n\u{1b}[31m{}", "b".repeat(5000)));
        assert!(line.starts_with("a  [31mb") && line.ends_with("b..."));
        assert_eq!(line.chars().count(), LONGEST_REASON + 3);
    }
}
