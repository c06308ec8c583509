//! `bench step --vs torch`: the same step beside PyTorch's, by the script in `benches/`.

use std::{
    env,
    io::Write,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use lfp_models::Model;

const SCRIPT: &str = include_str!("../../benches/torch_step.py");

/// The networks that the script has in PyTorch.
pub const MODELS: [Model; 6] = [
    Model::MLP,
    Model::LENET,
    Model::VGG_LIKE,
    Model::RESNET18,
    Model::SNN_MLP,
    Model::SNN_LENET,
];

/// Lets PyTorch and this program take turns, `steps` steps each in every round. Prints a table.
///
/// # Errors
///
/// If `python` does not start, cannot import PyTorch, or fails.
pub fn beside_torch(python: &str, models: &[Model], rounds: usize, steps: usize) -> Result<()> {
    let has_torch = Command::new(python)
        .args(["-c", "import torch"])
        .stderr(Stdio::null())
        .status()
        .with_context(|| format!("{python}: cannot be started; name another one by --python"))?;
    if !has_torch.success() {
        bail!("{python}: cannot import torch; install PyTorch or name another Python by --python");
    }
    let models: Vec<String> = models.iter().map(ToString::to_string).collect();
    let mut child = Command::new(python)
        .arg("-")
        .arg(env::current_exe().context("the path of this program")?)
        .args(["--models", &models.join(",")])
        .args(["--rounds", &rounds.to_string()])
        .args(["--steps", &steps.to_string()])
        .stdin(Stdio::piped())
        .spawn()
        .with_context(|| format!("{python}: cannot be started"))?;
    let mut input = child.stdin.take().context("the standard input of Python")?;
    input.write_all(SCRIPT.as_bytes())?;
    drop(input);
    match child.wait()?.success() {
        true => Ok(()),
        false => bail!("{python}: the comparison failed; see its message above"),
    }
}
