//! Table 3: LFP and gradient on photographs, over networks and activations.

mod cell;
mod report;

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use clap::Args;
use lfp_burn::ActivationFn;
use lfp_models::Model;

use super::{Profile, ReproduceError, Request, imagenet_weights};
use crate::{
    cli::values,
    data::{DataError, DataSet, Reading, Split},
    objective::Method,
    sweep::{self, Job},
};
use cell::{Cell, CellResult};

/// Which part of the table to run; an empty list stands for all there is.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// Networks, separated by commas [default: all].
    #[arg(long, value_delimiter = ',', value_parser = values::model())]
    pub models: Vec<Model>,
    /// Data sets, separated by commas [default: all that are in --data-dir].
    #[arg(long, value_delimiter = ',', value_parser = values::data_set())]
    pub datasets: Vec<DataSet>,
    /// Activations, separated by commas [default: all].
    #[arg(long, value_delimiter = ',')]
    pub activations: Vec<ActivationFn>,
    /// Methods, separated by commas [default: both].
    #[arg(long, value_delimiter = ',')]
    pub methods: Vec<Method>,
    /// The folder with torchvision's weights (vgg16-*.pth, resnet18-*.pth), which transfer starts from.
    #[arg(long)]
    pub pretrained: Option<PathBuf>,
}

impl Choice {
    fn has(&self, cell: &Cell) -> bool {
        fn listed<T: PartialEq>(list: &[T], one: &T) -> bool {
            list.is_empty() || list.contains(one)
        }
        listed(&self.models, &cell.model)
            && listed(&self.datasets, &cell.dataset)
            && listed(&self.activations, &cell.activation)
            && listed(&self.methods, &cell.method)
    }
}

/// Runs what can be run, and writes the table.
pub(super) fn table3(
    request: &Request,
    folder: &Path,
    device: &Device,
) -> Result<(), ReproduceError> {
    if !cell::all().any(|cell| request.table.has(&cell)) {
        return Err(ReproduceError::NothingChosen);
    }
    let mut results = Vec::new();
    for dataset in cell::DATASETS {
        let cells: Vec<Cell> = cell::all().filter(|cell| cell.dataset == dataset).collect();
        let wanted = cells.iter().any(|cell| request.table.has(cell));
        let data = wanted.then(|| load(request, dataset)).transpose()?;
        let runner = Runner {
            request,
            folder: folder.join(dataset.to_string()),
            device,
        };
        for cell in cells {
            let result = match &data {
                _ if !request.table.has(&cell) => CellResult::NotAsked,
                Some(Some(data)) => runner.run(&cell, data)?,
                _ => CellResult::NoData,
            };
            results.push((cell, result));
        }
    }
    report::write(request, folder, &results)
}

/// The data, or as much of them as the profile takes; nothing where they are not there.
fn load(request: &Request, dataset: DataSet) -> Result<Option<Split>, ReproduceError> {
    let reading = Reading {
        // A quick run sees few photographs, and a full one more than most machines have memory for.
        cached: request.profile == Profile::Quick,
        ..Reading::default()
    };
    match dataset.load(request.data_dir.as_deref(), reading) {
        Ok(data) => Ok(Some(match request.profile {
            Profile::Quick => cell::quick_part(dataset, &data),
            Profile::Paper => data,
        })),
        Err(DataError::NoFolder(_) | DataError::NoDataSet { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

struct Runner<'a> {
    request: &'a Request,
    folder: PathBuf,
    device: &'a Device,
}

impl Runner<'_> {
    fn run(&self, cell: &Cell, data: &Split) -> Result<CellResult, ReproduceError> {
        let Request { table, profile, .. } = self.request;
        let weights = match cell.starts_from_imagenet() {
            false => None,
            true => match imagenet_weights(table.pretrained.as_deref(), cell.model)? {
                Some(file) => Some(file),
                None => return Ok(CellResult::NoWeights),
            },
        };
        let seeds = self.request.seeds_or(match profile {
            Profile::Quick => 1,
            Profile::Paper => 3,
        });
        let classes = data.train.num_classes();
        let job = |&seed: &u64| {
            let mut settings = cell.settings(*profile, classes, weights.as_deref())?;
            settings.seed = seed;
            settings.device = self.request.device_names();
            Ok(Job {
                name: format!("{}-{seed}", cell.name()),
                settings,
            })
        };
        let jobs: Vec<Job> = seeds
            .iter()
            .map(job)
            .collect::<Result<_, ReproduceError>>()?;
        println!("{}", cell.title());
        let records = sweep::run(&self.folder, &jobs, data, self.device)?;
        Ok(CellResult::of(cell, &records, classes))
    }
}
