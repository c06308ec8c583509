//! The activations of section 3.4.

use lfp_burn::ActivationFn;

/// All of them, in the paper's order, with their names in figures.
pub(in crate::reproduce) const ACTIVATIONS: [(ActivationFn, &str); 6] = [
    (ActivationFn::Relu, "ReLU"),
    (ActivationFn::Silu, "SiLU"),
    (ActivationFn::Elu { alpha: 1.0 }, "ELU"),
    (ActivationFn::Tanh, "Tanh"),
    (ActivationFn::Sigmoid, "Sigmoid"),
    (ActivationFn::Heaviside, "Heaviside"),
];
