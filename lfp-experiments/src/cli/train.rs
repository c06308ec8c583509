//! `train`.

mod applied;
mod options;

use std::path::{Path, PathBuf};

use anyhow::Result;
use burn::tensor::Device;
use clap::Args;
use lfp_models::Model;

use self::options::{DataArgs, ModelArgs, OptimisationArgs, RunArgs, SpikingArgs};
use super::{given::Given, lfp::LfpArgs, values};
use crate::{
    data::{DataError, DataSet, Reading, Split},
    destination,
    objective::Method,
    output,
    text::counted,
    train::{self, Computing, Origin, Place, RunFolder, Settings},
};

#[derive(Debug, Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct TrainArgs {
    #[command(flatten)]
    given: Given,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    optimisation: OptimisationArgs,
    #[command(flatten)]
    lfp: LfpArgs,
    #[command(flatten)]
    spiking: SpikingArgs,
    #[command(flatten)]
    run: RunArgs,
}

impl TrainArgs {
    pub(super) fn run(self) -> Result<bool> {
        let out = self.out();
        let place = match self.run.resume {
            true => Place::Folder(Box::new(RunFolder::resume(&out)?)),
            false => {
                RunFolder::check_new(&out)?;
                Place::New(out.clone())
            }
        };
        let recorded = match &place {
            Place::Folder(folder) => folder.recorded(),
            Place::New(_) => None,
        };
        let base = recorded.map_or_else(|| self.defaults(), |of| of.settings.clone());
        values::distinct("pretrained-allow", &self.model.pretrained_allow)?;
        // Settings are checked before the data are read, but for what depends on the parts of the network.
        let mut settings = self.settings(base)?;
        settings.check_effects(|option| self.given.contains(option))?;
        match (recorded, &place) {
            (Some(recorded), _) => {
                let data_dir = self.data.data_dir.as_deref();
                let is_given = |option: &str| self.given.contains(option);
                recorded.check_settings(&settings, &out, data_dir, is_given)?;
            }
            // Nobody means the defaults by not giving any option.
            (None, Place::Folder(folder)) if self.says_nothing_of(&settings) => {
                return Err(folder.not_begun().into());
            }
            (None, _) => {}
        }
        let computing = Computing {
            devices: settings.device.open()?,
            workers: self.data.workers.unwrap_or(0),
        };
        let origin = recorded.and_then(|recorded| recorded.origin.as_ref());
        let data_dir = self.data.data_dir.as_deref();
        let data_dir = data_dir.or(origin.and_then(|origin| origin.data_dir.as_deref()));
        let cached = self.data.cache || origin.is_some_and(|origin| origin.cached);
        if let Place::New(out) = &place {
            destination::check_data(out, data_dir)?;
        }
        let data = self.load(&mut settings, data_dir, cached)?;
        self.check_frozen(&settings, &data, &computing.devices[0])?;
        let origin = Origin {
            cached,
            ..Origin::new(&data, data_dir)?
        };
        let outcome = train::run(&settings, &data, &computing, origin, place)?;
        let last = outcome.test_accuracy.last().copied().unwrap_or_default();
        output::line(format_args!(
            "test accuracy {:.2}% after {}; see {}",
            100.0 * last,
            counted(settings.epochs, "epoch"),
            out.display()
        ))?;
        Ok(true)
    }

    /// The settings of a new run without any option but model, data set, method and optimiser.
    fn defaults(&self) -> Settings {
        let settings = Settings::new(
            self.model.model.unwrap_or(Model::LENET),
            self.data.dataset.unwrap_or(DataSet::MNIST),
            self.optimisation.method.unwrap_or(Method::Lfp),
            0,
        );
        match self.optimisation.optimizer {
            Some(optimizer) => settings.with_optimizer(optimizer),
            None => settings,
        }
    }

    /// Whether no option says what to train, so that `settings` are the default ones.
    fn says_nothing_of(&self, settings: &Settings) -> bool {
        let default = Settings::new(Model::LENET, DataSet::MNIST, Method::Lfp, 0);
        self.data.data_dir.is_none() && default == *settings
    }

    fn out(&self) -> PathBuf {
        if let Some(out) = &self.run.out {
            return out.clone();
        }
        let Settings {
            model,
            dataset,
            method,
            seed,
            ..
        } = self.defaults();
        let seed = self.run.seed.unwrap_or(seed);
        format!("runs/{model}-{dataset}-{method}-{seed}").into()
    }

    /// Reads the data, and completes the settings with their number of classes.
    fn load(
        &self,
        settings: &mut Settings,
        data_dir: Option<&Path>,
        cached: bool,
    ) -> Result<Split> {
        let reading = Reading {
            cached,
            ..settings.reading()
        };
        let data = settings.dataset.load(data_dir, reading)?;
        let found = data.train.num_classes();
        // Those that are given or recorded, or 0.
        match Some(settings.classes).filter(|&classes| classes > 0) {
            Some(expected) if expected != found => Err(DataError::Classes {
                folder: data_dir
                    .map_or_else(|| settings.dataset.to_string().into(), Path::to_owned),
                expected,
                found,
            })?,
            _ => settings.classes = found,
        }
        Ok(data)
    }

    /// Checks that no given option acts on frozen layers alone.
    fn check_frozen(&self, settings: &Settings, data: &Split, device: &Device) -> Result<()> {
        if settings.freeze.is_none() {
            return Ok(());
        }
        let config = settings.network(data.train.shape(), data.train.num_classes());
        let network = settings.frozen(settings.model.init(&config, device)?)?;
        let is_given = |option: &str| self.given.contains(option);
        Ok(train::check_frozen_effects(&network, is_given)?)
    }

    /// The settings `base` with those that are given.
    fn settings(&self, base: Settings) -> Result<Settings> {
        let mut settings = base;
        self.model.apply(&mut settings)?;
        self.data.apply(&mut settings);
        self.optimisation.apply(&mut settings);
        self.spiking.apply(&mut settings);
        self.run.apply(&mut settings)?;
        settings.lfp = self.lfp.applied_to(settings.lfp)?;
        Ok(settings)
    }
}
