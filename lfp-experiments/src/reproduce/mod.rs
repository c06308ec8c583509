//! `reproduce`: figures of the paper, each with its data.

mod boundary;
mod curves;
mod fig3;
mod fig4;
mod report;
mod sparsity;
mod spiking;
mod table3;
mod toy;
mod weights;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use lfp_models::Model;
use serde::Serialize;

use sparsity::{Shown, figure as sparsity};

use crate::{
    data::DataError,
    device::{DeviceError, DeviceName, DeviceNames},
    files::{self, FileError, to_json},
    plot::PlotError,
    pruning::Criterion,
    sweep::SweepError,
    train::{Pretrained, Settings, TrainError},
};

/// A figure of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FigureName {
    /// LFP and gradient on toy data: decision boundaries, accuracies, weights.
    #[value(name = "fig3")]
    Fig3,
    /// Trajectories of a neuron's two weights.
    #[value(name = "fig4")]
    Fig4,
    /// How weights are distributed, by LFP and by gradient.
    #[value(name = "fig5")]
    Fig5,
    /// Accuracy over the share of connections that are pruned.
    #[value(name = "fig6")]
    Fig6,
    /// Spiking networks over the learning rate: LFP, surrogate gradient, plain gradient.
    #[value(name = "fig7")]
    Fig7,
    /// The curves of Figure 3, for reading off values.
    #[value(name = "figa1")]
    FigA1,
    /// A reward that has no derivative.
    #[value(name = "figa2")]
    FigA2,
    /// Spiking networks over the number of steps and the leak of their membranes.
    #[value(name = "figa3")]
    FigA3,
    /// As Figure 5, of every network on all data.
    #[value(name = "figa5")]
    FigA5,
    /// Pruning by local magnitude, of every network on all data.
    #[value(name = "figa6")]
    FigA6,
    /// Pruning by global magnitude, likewise.
    #[value(name = "figa7")]
    FigA7,
    /// Pruning by global relevance, likewise.
    #[value(name = "figa8")]
    FigA8,
    /// LFP and gradient on photographs, over networks and activations.
    #[value(name = "table3")]
    Table3,
}

impl fmt::Display for FigureName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value().expect("every figure has a name");
        f.pad(value.get_name())
    }
}

impl FigureName {
    /// Whether a part of it can be chosen like that. Figures on photographs take the weights to start from alone.
    pub fn takes(self, choice: &Table3Choice) -> bool {
        let weights_alone = Table3Choice {
            pretrained: choice.pretrained.clone(),
            ..Table3Choice::default()
        };
        match self {
            Self::Table3 => true,
            Self::Fig5 | Self::Fig6 | Self::FigA5 | Self::FigA6 | Self::FigA7 | Self::FigA8 => {
                *choice == weights_alone
            }
            _ => *choice == Table3Choice::default(),
        }
    }
}

/// How thoroughly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Three learning rates in each power of ten, three drawn data sets.
    Quick,
    /// Nine learning rates in each power of ten, five drawn data sets, as in the paper.
    Paper,
}

pub use table3::Choice as Table3Choice;

/// What to reproduce, and where to.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which figure.
    pub figure: FigureName,
    /// How thoroughly.
    pub profile: Profile,
    /// How many data sets to draw, if not as many as the profile says.
    pub seeds: Option<usize>,
    /// The folder of the data, for figures on images; without it a cache, filled from the network.
    pub data_dir: Option<PathBuf>,
    /// Which part of Table 3.
    pub table: table3::Choice,
    /// The device to compute on.
    pub device: DeviceName,
    /// The folder of all results; the figure gets a folder of its own there.
    pub out: PathBuf,
}

/// Why there is no figure.
#[derive(Debug, thiserror::Error)]
pub enum ReproduceError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The device cannot be opened.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The drawing.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// The data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The training runs.
    #[error(transparent)]
    Sweep(#[from] SweepError),
    /// There are no data or weights for any part of it.
    #[error(
        "nothing was run: none of its data are there, or the weights to start from; name their folders with \
         `--data-dir` and `--pretrained`"
    )]
    NothingRan,
    /// Nothing of the table was asked for.
    #[error(
        "table3 has nothing of what --models, --datasets, --activations and --methods ask for together"
    )]
    NothingChosen,
    /// One of them, for its network.
    #[error(transparent)]
    Train(#[from] TrainError),
}

/// The seeds of the paper; more follow by counting.
const SEEDS: [u64; 3] = [7240, 5110, 5628];

impl Request {
    /// Computes and writes the figure. Returns its folder.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn run(&self) -> Result<PathBuf, ReproduceError> {
        let device = &self.device.open()?;
        let folder = self.out.join(self.figure.to_string());
        files::create_folder(&folder)?;
        match self.figure {
            FigureName::Fig3 => fig3::fig3(self, &folder, device)?,
            FigureName::FigA1 => fig3::figa1(self, &folder, device)?,
            FigureName::FigA2 => fig3::figa2(self, &folder, device)?,
            FigureName::Fig4 => fig4::fig4(self, &folder, device)?,
            FigureName::Fig7 => spiking::fig7(self, &folder, device)?,
            FigureName::FigA3 => spiking::figa3(self, &folder, device)?,
            FigureName::Fig5 => sparsity(self, &folder, device, Shown::Weights, false)?,
            FigureName::FigA5 => sparsity(self, &folder, device, Shown::Weights, true)?,
            FigureName::Fig6 => {
                sparsity(
                    self,
                    &folder,
                    device,
                    Shown::Pruning(&Criterion::ALL),
                    false,
                )?;
            }
            FigureName::FigA6 => {
                sparsity(
                    self,
                    &folder,
                    device,
                    Shown::Pruning(&[Criterion::Local]),
                    true,
                )?;
            }
            FigureName::FigA7 => {
                sparsity(
                    self,
                    &folder,
                    device,
                    Shown::Pruning(&[Criterion::Global]),
                    true,
                )?;
            }
            FigureName::FigA8 => {
                sparsity(
                    self,
                    &folder,
                    device,
                    Shown::Pruning(&[Criterion::Relevance]),
                    true,
                )?;
            }
            FigureName::Table3 => table3::table3(self, &folder, device)?,
        }
        Ok(folder)
    }

    /// The device's name, for the settings of runs.
    fn device_names(&self) -> DeviceNames {
        DeviceNames::new([self.device])
    }

    /// The seeds of the data sets to draw.
    fn seeds(&self) -> Vec<u64> {
        self.seeds_or(match self.profile {
            Profile::Quick => 3,
            Profile::Paper => 5,
        })
    }

    /// As many seeds as asked for, or `default`.
    fn seeds_or(&self, default: usize) -> Vec<u64> {
        let count = self.seeds.unwrap_or(default);
        let more = (SEEDS[0] + 1)..;
        SEEDS.into_iter().chain(more).take(count).collect()
    }

    /// The learning rates `a * 10^b` to try.
    fn learning_rates(&self) -> Vec<f64> {
        let factors: &[u32] = match self.profile {
            Profile::Quick => &[1, 2, 5],
            Profile::Paper => &[1, 2, 3, 4, 5, 6, 7, 8, 9],
        };
        let exponents = -5_i32..=-1;
        exponents
            .flat_map(|exponent| {
                // Read from text, 3e-4 is 0.0003; as a product it is a little more.
                let rate = move |factor: &u32| format!("{factor}e{exponent}").parse();
                factors.iter().map(rate)
            })
            .collect::<Result<_, _>>()
            .expect("numbers in scientific notation")
    }
}

/// Torchvision's file for a network: its name begins with the network's, as `resnet18-f37072fd.pth` does.
fn imagenet_weights(folder: Option<&Path>, model: Model) -> Result<Option<PathBuf>, FileError> {
    let Some(folder) = folder else {
        return Ok(None);
    };
    let stem = model.to_string().replace('-', "_");
    let files = files::list(folder)?;
    let fits = |path: &&PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let rest = name.strip_prefix(&stem);
        rest.is_some_and(|rest| rest.starts_with(['-', '.']))
    };
    Ok(files.iter().find(fits).cloned())
}

/// How the paper trains a network that starts from ImageNet's weights; a quick run for an epoch.
fn transfer(
    default: Settings,
    profile: Profile,
    lr: f64,
    weights: &Path,
) -> Result<Settings, FileError> {
    Ok(Settings {
        epochs: match profile {
            Profile::Quick => 1,
            Profile::Paper => 100,
        },
        lr,
        clip: 0.0,
        weight_decay: 1e-4,
        batch: 32,
        pretrained: Some(Pretrained::read(weights)?),
        ..default
    })
}

/// Writes `result.json`.
fn write_result<T: Serialize>(folder: &Path, result: &T) -> Result<(), FileError> {
    files::write(&folder.join("result.json"), &to_json(result))
}

/// Writes a CSV with a column for each name.
fn write_csv<const N: usize>(
    folder: &Path,
    name: &str,
    columns: [&str; N],
    rows: impl IntoIterator<Item = [f64; N]>,
) -> Result<(), FileError> {
    let mut csv = columns.join(",") + "\n";
    for row in rows {
        let cells: Vec<String> = row.iter().map(f64::to_string).collect();
        csv += &(cells.join(",") + "\n");
    }
    files::write(&folder.join(format!("{name}.csv")), csv.as_bytes())
}
