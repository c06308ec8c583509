//! The ranges of all settings.

use lfp_burn::LfpConfig;

use super::Settings;
use crate::limits::{
    self, BATCH, BELOW_ONE, CLASSES, EPOCHS, FROM_ZERO_TO_ONE, IMAGE_SIZE, NOT_NEGATIVE, POSITIVE,
    TIME_STEPS, WEIGHT_BITS,
};

impl Settings {
    /// Checks every setting, as the command line does: a file may be damaged, or changed by hand.
    ///
    /// # Errors
    ///
    /// The first that is out of range, or that has no effect and is not the default.
    pub(in crate::train) fn check(&self) -> Result<(), String> {
        self.check_whole_numbers()?;
        self.check_real_numbers()?;
        self.check_fit()?;
        let chosen = self.chosen();
        let checked = self.check_recorded_effects(|option| chosen.contains(option));
        checked.map_err(|error| error.to_string())
    }

    fn check_whole_numbers(&self) -> Result<(), String> {
        let size = self.image_size.map(|size| size as usize);
        let spiking = self.spiking.unwrap_or_default();
        let numbers = [
            ("classes", self.classes, CLASSES),
            (
                "image_size",
                size.unwrap_or(*IMAGE_SIZE.start()),
                IMAGE_SIZE,
            ),
            (
                "weight_bits",
                self.weight_bits.unwrap_or(*WEIGHT_BITS.start()),
                WEIGHT_BITS,
            ),
            ("epochs", self.epochs, EPOCHS),
            ("batch", self.batch, BATCH),
            ("accumulate", self.accumulate, BATCH),
            ("steps", spiking.steps, TIME_STEPS),
        ];
        numbers.into_iter().try_for_each(|(name, number, range)| {
            let checked = limits::whole(&range, number).map(drop);
            checked.map_err(|expected| format!("{name} is {number}, {expected}"))
        })
    }

    fn check_real_numbers(&self) -> Result<(), String> {
        let lif = self.spiking.unwrap_or_default().lif;
        let [base, max] = self.cycle_momentum.unwrap_or_default();
        let numbers = [
            ("lr", self.lr, POSITIVE),
            ("dropout", self.dropout.unwrap_or_default(), BELOW_ONE),
            ("momentum", self.momentum, BELOW_ONE),
            ("cycle_momentum", base, BELOW_ONE),
            ("cycle_momentum", max, BELOW_ONE),
            ("clip", self.clip, NOT_NEGATIVE),
            ("adaptive_clip", self.adaptive_clip, NOT_NEGATIVE),
            ("weight_decay", self.weight_decay, NOT_NEGATIVE),
            ("warmup", self.warmup.unwrap_or_default(), BELOW_ONE),
            ("beta", lif.beta, FROM_ZERO_TO_ONE),
            ("threshold", lif.threshold, POSITIVE),
        ];
        let options = self.options();
        let of_lfp = LfpConfig::OPTIONS.iter().filter_map(|option| {
            let range = if option.zero { NOT_NEGATIVE } else { POSITIVE };
            let value = options.get(&format!("lfp_{}", option.field))?;
            Some((option.field, value.as_f64()?, range))
        });
        let mut numbers = numbers.into_iter().chain(of_lfp);
        numbers.try_for_each(|(name, number, range)| {
            let checked = range.check(number).map(drop);
            checked.map_err(|expected| format!("{name} is {number}, {expected}"))
        })
    }

    /// Checks that the model and the data have the settings that they need, and no others.
    fn check_fit(&self) -> Result<(), String> {
        let (model, dataset) = (self.model, self.dataset);
        let pairs = [
            (
                self.spiking.is_some(),
                model.spikes(),
                "spiking",
                model.name(),
            ),
            (
                self.image_size.is_some(),
                dataset.has_image_files(),
                "image_size",
                dataset.name(),
            ),
        ];
        match pairs.into_iter().find(|(has, takes, ..)| has != takes) {
            Some((true, _, name, of)) => Err(format!("{name} has no effect on {of}")),
            Some((false, _, name, of)) => Err(format!("{name} is missing, which {of} needs")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use lfp_models::Model;

    use super::*;
    use crate::{data::DataSet, objective::Method};

    #[test]
    fn settings_of_a_file_are_checked_like_options() {
        let settings = Settings::new(Model::SNN_MLP, DataSet::MNIST, Method::Lfp, 10);
        assert_eq!(settings.check(), Ok(()));
        let refused = |change: fn(&mut Settings), words: &str| {
            let mut settings = settings.clone();
            change(&mut settings);
            let error = settings.check().unwrap_err();
            assert!(error.contains(words), "{error}");
        };
        refused(|of| of.epochs = 0, "epochs is 0");
        refused(|of| of.batch = usize::MAX, "batch is 18446744073709551615");
        refused(|of| of.lr = -0.1, "lr is -0.1, expected a positive number");
        refused(|of| of.momentum = 1.0, "momentum is 1");
        refused(|of| of.lfp.epsilon = 0.0, "epsilon is 0");
        refused(|of| of.weight_bits = Some(9), "weight_bits is 9");
        refused(|of| of.spiking = None, "spiking is missing");
        refused(
            |of| of.image_size = Some(64),
            "image_size has no effect on mnist",
        );
        refused(
            |of| of.model = Model::LENET,
            "spiking has no effect on lenet",
        );
    }
}
