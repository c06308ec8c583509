//! The state of a run, from one epoch to the next.

use std::collections::BTreeMap;

use burn::{
    lr_scheduler::LrScheduler,
    module::Module,
    optim::{GradientsParams, ModuleOptimizer},
};
use indicatif::MultiProgress;
use lfp_burn::{optim::clip_global_norm, spiking::Activity};
use lfp_models::{Classifier, Network};

use super::{
    Accuracy, Checkpoint, CheckpointError, Computing, Divergence, Epoch, EpochError, Identity,
    NothingToLearn, Outcome, Reached, RunFolder, RunFolderError, Settings, Sharing, StepAccuracy,
    TrainError, TrainedEpoch, Versions, epoch::Progress, health, initial_network,
    outcome::best_epoch, train_epoch,
};
use crate::{
    data::{Batches, DataError, Order, Split},
    objective::Objective,
    seed,
};

/// State of a run between two epochs.
pub(super) struct Run<'a> {
    pub(super) settings: &'a Settings,
    pub(super) data: &'a Split,
    pub(super) objective: Objective,
    pub(super) sharing: Sharing,
    workers: usize,
    pub(super) network: Network,
    pub(super) optimizer: ModuleOptimizer,
    pub(super) schedule: Box<dyn LrScheduler>,
    pub(super) reached: Reached,
    /// Number of its warnings that were logged.
    logged: usize,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        settings: &'a Settings,
        data: &'a Split,
        computing: &Computing,
    ) -> Result<Self, TrainError> {
        let device = &computing.devices[0];
        let network = initial_network(settings, data.train.as_ref(), device)?;
        Self::of(settings, data, computing, network)
    }

    /// A run before its first step.
    pub(super) fn of(
        settings: &'a Settings,
        data: &'a Split,
        computing: &Computing,
        network: Network,
    ) -> Result<Self, TrainError> {
        let network = settings.frozen(network)?;
        let devices = computing.devices.iter();
        let sharing = Sharing {
            devices: devices.map(|device| settings.autodiff(device)).collect(),
            passes: settings.accumulate,
        };
        let (optimizer, momentum) = settings.optimizer()?;
        let steps_per_epoch = data.train.len().div_ceil(settings.batch);
        Ok(Self {
            settings,
            data,
            objective: settings.objective(data.train.as_ref()),
            network,
            workers: computing.workers,
            sharing,
            optimizer,
            schedule: settings.schedule(steps_per_epoch, &momentum)?,
            reached: Reached::default(),
            logged: 0,
        })
    }

    pub(super) fn resume(&mut self, checkpoint: Checkpoint) -> Result<(), TrainError> {
        self.reached = checkpoint.restore(
            &mut self.network,
            &mut self.optimizer,
            self.schedule.as_mut(),
        )?;
        self.network = self.settings.frozen(self.network.clone())?;
        self.logged = self.reached.warnings.len();
        Ok(())
    }

    pub(super) fn checkpoint<'b>(
        &'b self,
        identity: Option<&'b Identity>,
    ) -> Result<Checkpoint<'b>, CheckpointError> {
        let (network, schedule) = (&self.network, self.schedule.as_ref());
        Checkpoint::new(network, &self.optimizer, schedule, &self.reached, identity)
    }

    /// Keeps an epoch that the data, or Ctrl-C, left untested: the resumed run begins with its test. A network that has
    /// diverged is not kept: it would fail again each time.
    pub(super) fn keep_untested(
        &self,
        folder: &RunFolder,
        identity: Option<&Identity>,
        error: &TrainError,
    ) {
        if !matches!(error, TrainError::Data(_)) {
            return;
        }
        let checkpoint = self.checkpoint(identity).map_err(RunFolderError::from);
        let number = self.reached.epochs.len() + 1;
        if let Err(error) = checkpoint.and_then(|checkpoint| folder.save(number, &checkpoint)) {
            tracing::warn!("epoch {number}, which is not tested, is lost: {error}");
        }
    }

    /// Logs the warnings that are new.
    pub(super) fn log_warnings(&mut self) {
        let warnings = &self.reached.warnings;
        for warning in warnings.iter().skip(self.logged) {
            tracing::warn!("{warning}");
        }
        self.logged = warnings.len();
    }

    /// Looks at the network before its first step.
    pub(super) fn check_health(&mut self) -> Result<(), NothingToLearn> {
        let (settings, samples) = (self.settings, self.data.train.len());
        let steps = settings
            .epochs
            .saturating_mul(samples.div_ceil(settings.batch));
        let smallest = self.sharing.smallest_part(samples, settings.batch);
        let warnings = health::at_start(settings, &self.network, steps, smallest)?;
        self.reached.warnings.extend(warnings);
        Ok(())
    }

    /// Looks at the epoch that was trained last.
    pub(super) fn check_change(&self) -> Result<(), TrainError> {
        let Reached {
            epochs, untested, ..
        } = &self.reached;
        let is_unchanged = untested.as_ref().is_some_and(|epoch| epoch.unchanged);
        if !is_unchanged || !epochs.is_empty() {
            return Ok(());
        }
        let reasons = health::of_firing_rates(&self.firing_rates()?);
        let reasons: String = reasons.iter().map(|reason| format!("; {reason}")).collect();
        Err(NothingToLearn::NoChange(reasons).into())
    }

    pub(super) fn train_epoch(&mut self, bars: &MultiProgress) -> Result<StepAccuracy, TrainError> {
        let number = self.reached.epochs.len() + 1;
        let (settings, data) = (self.settings, self.data);
        let seed = settings.epoch_seed(number);
        // Dropout uses the random numbers of the device.
        seed::draw(self.sharing.main_device(), seed, || ());
        let progress = Progress::new(number, settings.epochs, data.train.len(), bars);
        let (optimizer, schedule) = (&mut self.optimizer, &mut self.schedule);
        let mut lr = 0.0;
        let batches = Batches {
            data: &data.train,
            size: settings.batch,
            order: Order::Shuffled(seed),
            workers: self.workers,
        };
        let trained = train_epoch(
            self.network.clone(),
            &self.objective,
            &self.sharing,
            batches.iter(self.sharing.main_device()),
            |network, grads| {
                let grads = clip(settings, grads, &network);
                lr = schedule.step();
                progress.step(settings.batch);
                optimizer.step(lr, network, grads)
            },
        );
        let (network, step_accuracy) = trained.map_err(|error| match error {
            EpochError::Data(error) => TrainError::Data(error),
            EpochError::Sharing(error) => TrainError::Sharing(error),
            EpochError::Diverged(source) => TrainError::Diverged {
                epoch: number,
                source,
            },
        })?;
        let seconds = progress.finish();
        let (seen, due) = (step_accuracy.samples(), data.train.len());
        if seen != due {
            return Err(DataError::Incomplete { read: seen, due }.into());
        }
        let unchanged = !health::has_changed(&self.network, &network);
        self.network = network;
        self.reached.untested = Some(TrainedEpoch {
            lr,
            train_accuracy: step_accuracy.overall(),
            seconds,
            unchanged,
        });
        Ok(step_accuracy)
    }

    /// Tests the epoch that was trained last. On an error it stays untested.
    pub(super) fn test_epoch(&mut self) -> Result<(), TrainError> {
        let Some(trained) = self.reached.untested.clone() else {
            return Ok(());
        };
        let (number, samples) = (self.reached.epochs.len() + 1, self.data.test.len());
        let test = self.test()?;
        if test.undecided == samples {
            return Err(TrainError::Diverged {
                epoch: number,
                source: Divergence::Outputs,
            });
        }
        let TrainedEpoch {
            lr,
            train_accuracy,
            seconds,
            unchanged,
        } = trained;
        let before = health::of_epochs(&self.reached.epochs, samples);
        self.reached.untested = None;
        self.reached.epochs.push(Epoch {
            lr,
            train_accuracy,
            test,
            seconds,
            unchanged,
        });
        let now = health::of_epochs(&self.reached.epochs, samples);
        let is_first = before.iter().map(Option::is_none);
        let first = now.iter().zip(is_first).filter(|(_, is_first)| *is_first);
        for warning in first.filter_map(|(warning, _)| warning.as_ref()) {
            tracing::warn!("{warning}");
        }
        Ok(())
    }

    fn test(&self) -> Result<Accuracy, DataError> {
        let device = self.sharing.main_device().clone().inner();
        Accuracy::of(&self.network.valid(), &self.test_batches(), &device)
    }

    fn test_batches(&self) -> Batches<'_> {
        Batches {
            data: &self.data.test,
            size: self.settings.batch,
            order: Order::Given,
            workers: self.workers,
        }
    }

    /// Whether the last epoch is the first with the highest test accuracy.
    pub(super) fn is_best(&self) -> bool {
        best_epoch(&self.reached.epochs) == self.reached.epochs.len()
    }

    /// Summary of the last epoch, one line.
    pub(super) fn line(&self) -> String {
        let (number, epochs) = (self.reached.epochs.len(), self.settings.epochs);
        let epoch = &self.reached.epochs[number - 1];
        format!(
            "epoch {number}/{epochs}: train {:6.2}%  test {:6.2}%  {:.1} s, {:.0} samples/s",
            100.0 * epoch.train_accuracy,
            100.0 * epoch.test.top1,
            epoch.seconds,
            self.data.train.len() as f64 / epoch.seconds
        )
    }

    pub(super) fn outcome(&mut self) -> Result<Outcome, DataError> {
        let firing_rates = self.firing_rates()?;
        let of_rates = health::of_firing_rates(&firing_rates);
        self.reached.warnings.extend(of_rates);
        let Reached {
            epochs, warnings, ..
        } = &self.reached;
        let of_epochs = health::of_epochs(epochs, self.data.test.len());
        let of = |value: fn(&Epoch) -> f64| epochs.iter().map(value).collect::<Vec<_>>();
        Ok(Outcome {
            settings: self.settings.clone(),
            test_accuracy: of(|epoch| epoch.test.top1),
            test_top5: of(|epoch| epoch.test.top5),
            test_class_mean: of(|epoch| epoch.test.class_mean),
            best_epoch: best_epoch(epochs),
            train_accuracy: of(|epoch| epoch.train_accuracy),
            seconds: of(|epoch| epoch.seconds).iter().sum(),
            firing_rates,
            warnings: warnings
                .iter()
                .cloned()
                .chain(of_epochs.into_iter().flatten())
                .collect(),
            versions: Versions::default(),
        })
    }

    /// See [`Outcome::firing_rates`].
    fn firing_rates(&self) -> Result<BTreeMap<String, f64>, DataError> {
        if !self.settings.model.spikes() {
            return Ok(BTreeMap::new());
        }
        let device = self.sharing.main_device().clone().inner();
        let Some(batch) = self.test_batches().iter(&device).next() else {
            return Ok(BTreeMap::new());
        };
        let activities = self.network.valid().observe(batch?.inputs);
        let rate = |activity: &Activity| (activity.layer.clone(), activity.firing_rate());
        Ok(activities.iter().map(rate).collect())
    }
}

pub(super) fn clip(
    settings: &Settings,
    mut grads: GradientsParams,
    network: &Network,
) -> GradientsParams {
    if settings.clip > 0.0 {
        grads = clip_global_norm(grads, network, settings.clip);
    }
    grads
}
