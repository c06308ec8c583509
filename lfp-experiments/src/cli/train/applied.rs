//! What the options of `train` change in settings. Each group names all its options, so that none is forgotten here.

use std::collections::BTreeSet;

use anyhow::Result;

use super::options::{DataArgs, ModelArgs, OptimisationArgs, RunArgs, SpikingArgs};
use crate::{
    device::DeviceNames,
    train::{Pretrained, Schedule, Settings},
};

fn set<T: Clone>(setting: &mut T, given: &Option<T>) {
    if let Some(given) = given {
        setting.clone_from(given);
    }
}

/// For a setting that need not have a value, but keeps the one it has.
fn set_some<T: Clone>(setting: &mut Option<T>, given: &Option<T>) {
    if given.is_some() {
        setting.clone_from(given);
    }
}

impl ModelArgs {
    /// # Errors
    ///
    /// If the pretrained weights cannot be read.
    pub(super) fn apply(&self, settings: &mut Settings) -> Result<()> {
        let Self {
            model,
            activation,
            output_activation,
            dropout,
            weight_bits,
            latent_rule,
            pretrained,
            // They belong to the pretrained weights.
            pretrained_allow: _,
            pretrained_part: _,
            freeze,
        } = self;
        set(&mut settings.model, model);
        if settings.spiking.is_none() {
            // If another network is named for a run that is resumed, its options are compared, too.
            let Settings {
                model,
                dataset,
                method,
                classes,
                ..
            } = *settings;
            settings.spiking = Settings::new(model, dataset, method, classes).spiking;
        }
        set(&mut settings.activation, activation);
        settings.output_activation |= output_activation;
        set_some(&mut settings.dropout, dropout);
        set_some(&mut settings.weight_bits, weight_bits);
        set(&mut settings.latent_rule, latent_rule);
        if let Some(file) = pretrained {
            let given = Pretrained::read(file)?;
            settings.pretrained = Some(self.allowing(given, settings.pretrained.as_ref()));
        }
        set_some(&mut settings.freeze, freeze);
        Ok(())
    }

    /// The weights with the differences and the part that are given, or those of the run that is resumed.
    fn allowing(&self, given: Pretrained, recorded: Option<&Pretrained>) -> Pretrained {
        let allow = match self.pretrained_allow.as_slice() {
            [] => recorded.map(|of| of.allow.clone()).unwrap_or_default(),
            allow => BTreeSet::from_iter(allow.iter().copied()),
        };
        let part = self.pretrained_part.clone();
        Pretrained {
            allow,
            part: part.or(recorded.and_then(|of| of.part.clone())),
            ..given
        }
    }
}

impl DataArgs {
    pub(super) fn apply(&self, settings: &mut Settings) {
        let Self {
            dataset,
            image_size,
            class_weights,
            classes,
            // They are no settings, but say where the data are and how they are read.
            data_dir: _,
            cache: _,
            workers: _,
        } = self;
        set(&mut settings.dataset, dataset);
        let image_size = image_size.and_then(|size| u32::try_from(size).ok());
        set_some(&mut settings.image_size, &image_size);
        settings.class_weights |= class_weights;
        set(&mut settings.classes, classes);
    }
}

impl OptimisationArgs {
    pub(super) fn apply(&self, settings: &mut Settings) {
        let Self {
            method,
            reward,
            epochs,
            batch,
            lr,
            schedule,
            warmup,
            optimizer,
            momentum,
            cycle_momentum,
            dampening,
            clip,
            adaptive_clip,
            weight_decay,
            accumulate,
            checkpointing,
        } = self;
        set(&mut settings.method, method);
        set(&mut settings.reward, reward);
        set(&mut settings.epochs, epochs);
        set(&mut settings.batch, batch);
        set(&mut settings.lr, lr);
        set(&mut settings.schedule, schedule);
        set_some(&mut settings.warmup, warmup);
        set(&mut settings.optimizer, optimizer);
        set(&mut settings.momentum, momentum);
        let cycle = cycle_momentum.as_deref();
        let cycle = cycle.and_then(|of| of.first_chunk().copied());
        let cycles = momentum.is_none()
            && settings.schedule == Schedule::OneCycle
            && settings.optimizer.has_momentum();
        settings.cycle_momentum = cycle.or(settings.cycle_momentum.filter(|_| cycles));
        settings.dampening |= dampening;
        set(&mut settings.clip, clip);
        set(&mut settings.adaptive_clip, adaptive_clip);
        set(&mut settings.weight_decay, weight_decay);
        set(&mut settings.accumulate, accumulate);
        settings.checkpointing |= checkpointing;
    }
}

impl SpikingArgs {
    pub(super) fn apply(&self, settings: &mut Settings) {
        let Self {
            steps,
            beta,
            threshold,
            surrogate,
            gradient_normalization,
            spike_reward,
            hidden_layer,
        } = self;
        set_some(&mut settings.spike_reward, spike_reward);
        if let Some(spiking) = &mut settings.spiking {
            set(&mut spiking.steps, steps);
            set(&mut spiking.lif.beta, beta);
            set(&mut spiking.lif.threshold, threshold);
            set(&mut spiking.lif.surrogate, surrogate);
            let normalization = &mut spiking.lif.gradient_normalization;
            set(normalization, gradient_normalization);
            spiking.hidden_layer |= hidden_layer;
        }
    }
}

impl RunArgs {
    /// # Errors
    ///
    /// If a device is named twice.
    pub(super) fn apply(&self, settings: &mut Settings) -> Result<()> {
        let Self {
            seed,
            device,
            devices,
            // Where the run is, and not what.
            out: _,
            resume: _,
        } = self;
        set(&mut settings.seed, seed);
        match (device, devices.as_slice()) {
            (None, []) => {}
            (Some(device), _) => settings.device = device.clone().into(),
            (None, several) => settings.device = DeviceNames::new(several.iter().cloned())?,
        }
        Ok(())
    }
}
