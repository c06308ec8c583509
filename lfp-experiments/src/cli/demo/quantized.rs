//! `demo quantized`.

use anyhow::Result;
use clap::Args;
use lfp_burn::ActivationFn;
use lfp_models::Model;

use super::{DataArgs, WaysArgs};
use crate::{
    cli::{given::Given, values},
    demo::quantized::{Request, Way},
    limits,
    objective::Method,
    output,
    train::Settings,
};

#[derive(Debug, Args)]
pub(in crate::cli) struct QuantizedArgs {
    #[command(flatten)]
    given: Given,
    /// Network, for MNIST or CIFAR-10
    #[arg(long, value_parser = values::model(), default_value = "lenet")]
    model: Model,
    /// Bits of a weight, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "1,2,4,8", value_parser = values::whole(limits::WEIGHT_BITS))]
    bits: Vec<usize>,
    /// Hidden activation: relu, sign, levels:4, ...
    #[arg(long, default_value_t = ActivationFn::Relu)]
    activation: ActivationFn,
    /// Training samples, drawn with a fixed seed
    #[arg(long, default_value_t = 6000, value_parser = values::whole(100..=60_000))]
    samples: usize,
    /// Test samples, drawn with a fixed seed
    #[arg(long, default_value_t = 10_000, value_parser = values::whole(100..=10_000))]
    test_samples: usize,
    /// Passes over the training samples
    #[arg(long, default_value_t = 3, value_parser = values::whole(limits::EPOCHS))]
    epochs: usize,
    #[command(flatten)]
    ways: WaysArgs<Way>,
    /// Runs of each way to train
    #[arg(long, default_value_t = 1, value_parser = values::whole(limits::SEEDS))]
    seeds: usize,
    #[command(flatten)]
    data: DataArgs,
}

impl QuantizedArgs {
    pub(super) fn run(self) -> Result<bool> {
        values::distinct("bits", &self.bits)?;
        let dataset = Request::data_set(self.model)?;
        let settings = Settings {
            activation: self.activation,
            epochs: self.epochs,
            ..Settings::new(self.model, dataset, Method::Lfp, 0)
        };
        settings.check_effects(|option| option == "activation" && self.given.contains(option))?;
        let mut bits = self.bits;
        bits.sort_unstable();
        let request = Request {
            settings,
            samples: [self.samples, self.test_samples],
            bits,
            ways: self.ways.chosen()?,
            seeds: self.seeds as u64,
        };
        let DataArgs { data_dir, place } = self.data;
        let device = place.open(data_dir.as_deref())?;
        let measured = request.run(data_dir.as_deref(), &device)?;
        output::lines(measured.table())?;
        request.draw(&measured, &place.out)?;
        place.say()
    }
}
