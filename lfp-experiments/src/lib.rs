//! The program that reproduces the experiments of the paper, as a library.
//!
//! | command | module |
//! |---|---|
//! | `bench` | [`mod@bench`]: time and memory of a training step |
//! | `conformance` | [`conformance`]: comparison with the authors' package |
//! | `explain` | [`mod@explain`]: relevance heat maps |
//! | `prune` | [`mod@prune`]: accuracy over the pruning rate |
//! | `report` | [`mod@report`]: one page with all results beside the paper's |
//! | `reproduce` | [`reproduce`]: figures and tables of the paper, each made from a [`study`] |
//! | `train` | [`train`]: training of one network |

mod allocator;
pub mod bench;
pub mod cli;
pub mod conformance;
pub mod data;
pub mod demo;
mod destination;
pub mod device;
pub mod explain;
mod files;
pub mod interrupt;
mod limits;
pub mod machine;
pub mod objective;
pub mod output;
pub mod panics;
pub mod plot;
pub mod prune;
pub mod report;
pub mod reproduce;
mod seed;
pub mod study;
mod text;
pub mod train;

pub use allocator::Allocator;
pub use files::FileError;
pub use text::escaped;

/// README and book, so that `cargo test` compiles their snippets.
#[cfg(doctest)]
mod book {
    macro_rules! pages {
        ($($page:ident: $path:literal),* $(,)?) => {$(
            #[doc = include_str!(concat!("../../", $path))]
            struct $page;
        )*};
    }

    pages! {
        Readme: "README.md",
        Conformance: "docs/conformance.md",
        Contents: "docs/README.md",
        Contributing: "docs/contributing.md",
        Cost: "docs/cost.md",
        Devices: "docs/devices.md",
        Hooks: "docs/hooks.md",
        Limits: "docs/limits.md",
        Method: "docs/method.md",
        Objectives: "docs/objectives.md",
        Paper: "docs/paper.md",
        Photographs: "docs/photographs.md",
        Pruning: "docs/pruning.md",
        Quantized: "docs/quantized.md",
        Quickstart: "docs/quickstart.md",
        Reinforcement: "docs/reinforcement.md",
        Reproduction: "docs/reproduction.md",
        Rewards: "docs/rewards.md",
        Spiking: "docs/spiking.md",
        Table3: "docs/table3.md",
        Theory: "docs/theory.md",
        Training: "docs/training.md",
        Transformers: "docs/transformers.md",
    }
}
