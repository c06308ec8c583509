//! `conformance`: compares this implementation with reference results of the authors' package.
//!
//! A case is a safetensors file of the format `lfp-conformance/1` or, with transformers, `lfp-conformance/2`: a network as a list of layers in JSON, its parameters, an
//! input, and the expected results of one forward pass, one reward and one propagation. The book describes the format
//! (`docs/conformance.md`). The network is built from the layers that a user of `lfp-burn` builds a model from.

mod arrays;
mod builder;
mod case;
mod comparison;
mod description;
mod error;
mod network;
mod token_builder;
mod tokens;

use std::path::{Path, PathBuf};

use burn::tensor::Device;

pub use builder::ActivationPlacement;
pub use case::Case;
pub use comparison::{MAX_TOLERANCE, Row};
pub use error::{CaseError, Malformed};

use crate::{files, output};

/// Lists the cases at `path`: the file itself, or every `.safetensors` file of a folder, sorted by name.
///
/// # Errors
///
/// If the file or folder does not exist, or the folder holds no case.
pub fn find(path: &Path) -> Result<Vec<PathBuf>, CaseError> {
    if !path.is_dir() {
        // Reading it says what is wrong with any other path.
        return Ok(vec![path.to_owned()]);
    }
    let mut cases = files::list(path)?;
    let is_case = |file: &PathBuf| file.extension().is_some_and(|of| of == "safetensors");
    cases.retain(is_case);
    if cases.is_empty() {
        return Err(CaseError::NoCases(path.to_owned()));
    }
    cases.sort();
    Ok(cases)
}

/// Runs all `files` and prints a row per tensor. Returns whether every case passed.
///
/// # Errors
///
/// The first malformed file, after the rows of the files before it.
pub fn run(files: &[PathBuf], device: &Device) -> Result<bool, CaseError> {
    let mut all_passed = true;
    for file in files {
        let case = Case::load(file)?;
        for row in &case.run(device)? {
            all_passed &= row.passed();
            output::line(format_args!("{:<28} {row}", case.name()))?;
        }
    }
    Ok(all_passed)
}
