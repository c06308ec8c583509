//! From a decision per column to a sequence.

use serde::{Deserialize, Serialize};

/// How a decision per column becomes a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decoding {
    /// Equal neighbours become one, then blanks are left out: with the blank `-`, `3 3 - 3 7` reads `3 3 7`.
    Merge {
        /// The class that stands for nothing.
        blank: usize,
    },
    /// Blanks are left out: `3 3 - 3 7` reads `3 3 3 7`.
    Keep {
        /// The class that stands for nothing.
        blank: usize,
    },
    /// The decisions as they are.
    Plain,
}

impl Decoding {
    /// # Panics
    ///
    /// If the blank is none of so many classes.
    pub(super) fn check(self, classes: usize) {
        let (Self::Merge { blank } | Self::Keep { blank }) = self else {
            return;
        };
        assert!(
            blank < classes,
            "the blank of a decoding: expected one of {classes} classes, from 0, found {blank}"
        );
    }

    /// The sequence of the decisions, in place of what `sequence` holds.
    pub fn decode(self, decisions: &[usize], sequence: &mut Vec<usize>) {
        sequence.clear();
        sequence.extend_from_slice(decisions);
        match self {
            Self::Merge { blank } => {
                sequence.dedup();
                sequence.retain(|&class| class != blank);
            }
            Self::Keep { blank } => sequence.retain(|&class| class != blank),
            Self::Plain => {}
        }
    }
}
