//! Colour, dash and marker of a series.

/// How a series is drawn. Methods have the same look in all charts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look(usize);

/// Dashes and markers, around 0. The colours are in the style of the page.
const LOOKS: [(&str, &str); 6] = [
    ("none", "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0Z"),
    ("7 3", "M-2.7 -2.7h5.4v5.4h-5.4Z"),
    ("2 3", "M0 -3.6L3.5 2.6H-3.5Z"),
    ("9 3 2 3", "M0 3.6L3.5 -2.6H-3.5Z"),
    (
        "14 4",
        "M-3.4 -1h2.4v-2.4h2v2.4h2.4v2h-2.4v2.4h-2v-2.4h-2.4Z",
    ),
    ("4 2 1 2", "M-3.4 0L0 -2L3.4 0L0 2Z"),
];

/// The marker of the best point.
pub(super) const DIAMOND: &str = "M0 -7L6 0L0 7L-6 0Z";

impl Look {
    /// Layer-wise feedback propagation.
    pub const LFP: Self = Self(0);
    /// Gradient descent.
    pub const GRADIENT: Self = Self(1);
    /// Gradient descent with a surrogate.
    pub const SURROGATE: Self = Self(2);
    /// A reference, such as the state before training.
    pub const REFERENCE: Self = Self(3);

    /// Looks without a meaning of their own, in turn.
    pub const fn nth(index: usize) -> Self {
        Self(index % LOOKS.len())
    }

    /// The look of a method by its name in reports; LFP's for others.
    pub fn of_method(name: &str) -> Self {
        match name {
            "gradient" => Self::GRADIENT,
            "surrogate" => Self::SURROGATE,
            _ => Self::LFP,
        }
    }

    pub(super) fn class(self) -> String {
        format!("s{}", self.0)
    }

    pub(super) fn dash(self) -> &'static str {
        LOOKS[self.0].0
    }

    pub(super) fn marker(self) -> &'static str {
        LOOKS[self.0].1
    }
}
