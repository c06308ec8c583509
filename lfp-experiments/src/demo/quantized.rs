//! `demo quantized`: networks whose weights have few bits in the forward pass.
//!
//! Rounding has no derivative that is of use, so gradients need an estimator. LFP conserves rewards through it instead, or
//! passes them straight through, for comparison. Beside both stands rounding the weights of a network that was trained without.

use std::{iter, path::Path};

use anyhow::{Result, ensure};
use burn::{
    module::{Module, ModuleMapper, Param, ParamGroup, Quantizer},
    tensor::{
        DType, Device, Tensor,
        quantization::{Calibration, QuantScheme, QuantStore, QuantValue},
    },
};
use clap::ValueEnum;
use indicatif::MultiProgress;
use lfp_burn::{
    layer_weights,
    quantize::{LatentRule, WeightQuantizer},
};
use lfp_models::{Model, Network};
use serde::Serialize;

use super::{
    Compared,
    curves::{Runs, after_each, panel},
};
use crate::{
    data::{Batches, DataSet, Order, Split},
    files::{self, to_json},
    objective::Method,
    output,
    plot::{Axis, Figure, GRADIENT, LFP, Look, NEGATIVE, SURROGATE},
    study::Spread,
    text::{columns, counted},
    train::{Accuracy, Computing, Settings, run_in_memory},
};

/// Samples that are tested at a time.
const TESTED: usize = 500;

/// What to train.
#[derive(Clone, Debug)]
pub struct Request {
    /// The run without quantised weights. Model, data, epochs and so on are those of all runs.
    pub settings: Settings,
    /// Training and test samples, at most.
    pub samples: [usize; 2],
    /// Bits of a weight.
    pub bits: Vec<usize>,
    /// What is compared.
    pub ways: Vec<Way>,
    /// Runs of each way.
    pub seeds: u64,
}

/// A way to weights of few bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// LFP that conserves rewards through the rounding
    Lfp,
    /// LFP that passes rewards straight through the rounding
    LfpStraightThrough,
    /// The gradient with a straight-through estimator
    Gradient,
    /// LFP, and rounding the weights after training
    LfpRounded,
    /// The gradient, and rounding the weights after training
    GradientRounded,
}

/// Accuracies of a way.
#[derive(Clone, Debug, Serialize)]
pub struct Accuracies {
    /// The way.
    pub way: Way,
    /// Bits of a weight; 32 if they are not quantised.
    pub bits: usize,
    /// Test accuracy of each seed after the last epoch, in `[0, 1]`.
    pub seeds: Vec<f64>,
}

/// A network as Burn stores it for inference, with 8 bits for each weight.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Export {
    /// Bits of a weight in training.
    pub bits: usize,
    /// Bytes of its record.
    pub bytes: usize,
    /// Bytes of the record in single precision.
    pub bytes_before: usize,
    /// Test accuracy, in `[0, 1]`.
    pub accuracy: f64,
}

/// What the demo measures.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Measured {
    /// By way and bits.
    pub accuracies: Vec<Accuracies>,
    /// Of the networks that LFP trained with the first seed.
    pub exports: Vec<Export>,
}

impl Compared for Way {
    fn title(self) -> &'static str {
        match self {
            Self::Lfp => "LFP, rewards conserved",
            Self::LfpStraightThrough => "LFP, straight-through",
            Self::Gradient => "gradient, straight-through",
            Self::LfpRounded => "LFP, rounded afterwards",
            Self::GradientRounded => "gradient, rounded afterwards",
        }
    }

    fn look(self) -> Look {
        let of = |colour, look: Look| Look { colour, ..look };
        match self {
            Self::Lfp => LFP,
            Self::LfpStraightThrough => of(NEGATIVE, LFP),
            Self::Gradient => GRADIENT,
            Self::LfpRounded => of(LFP.colour, SURROGATE),
            Self::GradientRounded => of(GRADIENT.colour, SURROGATE),
        }
    }
}

impl Way {
    fn method(self) -> Method {
        match self {
            Self::Gradient | Self::GradientRounded => Method::Gradient,
            Self::Lfp | Self::LfpStraightThrough | Self::LfpRounded => Method::Lfp,
        }
    }

    /// The rule in training; `None` if weights are rounded afterwards.
    fn rule(self) -> Option<LatentRule> {
        match self {
            Self::Lfp | Self::Gradient => Some(LatentRule::Conserve),
            Self::LfpStraightThrough => Some(LatentRule::StraightThrough),
            Self::LfpRounded | Self::GradientRounded => None,
        }
    }
}

/// The data of all runs, and how they are tested.
struct Testing<'a> {
    data: &'a Split,
    device: &'a Device,
}

impl Testing<'_> {
    fn accuracy(&self, network: &Network) -> Result<f64> {
        let batches = Batches {
            data: &self.data.test,
            size: TESTED,
            order: Order::Given,
            workers: 0,
        };
        Ok(Accuracy::of(network, &batches, self.device)?.top1)
    }
}

impl Request {
    /// Trains every way with every seed and number of bits, and prints a line after each run.
    ///
    /// # Errors
    ///
    /// If the data cannot be read, or a run fails.
    pub fn run(&self, data_dir: Option<&Path>, device: &Device) -> Result<Measured> {
        let data = self
            .settings
            .dataset
            .load(data_dir, self.settings.reading())?;
        let [train, test] = self.samples;
        let data = data.subset(train, test);
        let testing = Testing {
            data: &data,
            device,
        };
        let mut measured = Measured::default();
        for &way in &self.ways {
            match way.rule() {
                Some(rule) => self.quantized(way, rule, &testing, &mut measured)?,
                None => self.rounded(way, &testing, &mut measured)?,
            }
        }
        Ok(measured)
    }

    fn train(
        &self,
        settings: Settings,
        seed: u64,
        testing: &Testing<'_>,
    ) -> Result<(Network, f64)> {
        let settings = Settings {
            classes: testing.data.train.num_classes(),
            seed,
            ..settings
        };
        let bars = MultiProgress::new();
        let trained = run_in_memory(
            &settings,
            testing.data,
            &Computing::on(testing.device),
            &bars,
        )?;
        let last = trained.outcome.test_accuracy.last().copied();
        Ok((trained.network, last.unwrap_or_default()))
    }

    /// The settings of a method: those of the request, with the method's own learning rate and clipping.
    fn of_method(&self, method: Method) -> Settings {
        let own = Settings::new(self.settings.model, self.settings.dataset, method, 0);
        Settings {
            method,
            lr: own.lr,
            clip: own.clip,
            adaptive_clip: own.adaptive_clip,
            ..self.settings.clone()
        }
    }

    /// A way that quantises in training.
    fn quantized(
        &self,
        way: Way,
        latent_rule: LatentRule,
        testing: &Testing<'_>,
        measured: &mut Measured,
    ) -> Result<()> {
        for &bits in &self.bits {
            let settings = Settings {
                weight_bits: Some(bits),
                latent_rule,
                ..self.of_method(way.method())
            };
            let mut seeds = Vec::new();
            for seed in 0..self.seeds {
                let (network, accuracy) = self.train(settings.clone(), seed, testing)?;
                if way == Way::Lfp && seed == 0 {
                    measured.exports.push(export(network, bits, testing)?);
                }
                say(way, &counted(bits, "bit"), seed, accuracy)?;
                seeds.push(accuracy);
            }
            measured.accuracies.push(Accuracies { way, bits, seeds });
        }
        Ok(())
    }

    /// A way that rounds the weights of networks that are trained without.
    fn rounded(&self, way: Way, testing: &Testing<'_>, measured: &mut Measured) -> Result<()> {
        let empty = |bits| Accuracies {
            way,
            bits,
            seeds: Vec::new(),
        };
        let mut of_bits: Vec<_> = self.bits.iter().copied().map(empty).collect();
        let mut plain = empty(32);
        for seed in 0..self.seeds {
            let settings = self.of_method(way.method());
            let (network, accuracy) = self.train(settings, seed, testing)?;
            say(way, "before rounding", seed, accuracy)?;
            plain.seeds.push(accuracy);
            for accuracies in &mut of_bits {
                let quantizer = WeightQuantizer::new(accuracies.bits)?;
                let rounded = network.clone().apply_reparameterization(quantizer);
                accuracies.seeds.push(testing.accuracy(&rounded.valid())?);
            }
        }
        of_bits.push(plain);
        measured.accuracies.extend(of_bits);
        Ok(())
    }

    /// Draws the figure, and writes its numbers.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn draw(&self, measured: &Measured, folder: &Path) -> Result<()> {
        let names = self.bits.iter().map(usize::to_string);
        let x = Axis::named("bits of a weight", names.collect());
        let lowest = measured.accuracies.iter().flat_map(|of| &of.seeds);
        let lowest = lowest.copied().fold(1.0, f64::min);
        let y = Axis::new("test accuracy", (lowest * 10.0).floor() / 10.0..1.0);
        let ways = self.ways.iter().map(|&way| measured.runs(way, &self.bits));
        let ways: Vec<Runs> = ways.collect();
        let figure = Figure {
            columns: 1,
            panel_size: (560, 360),
            panels: vec![panel("", [x, y], &ways)],
            corner: String::new(),
            note: format!(
                "{} on {}, {}, activation {}, {}",
                self.settings.model,
                self.settings.dataset,
                counted(self.settings.epochs, "epoch"),
                self.settings.activation,
                counted(self.seeds as usize, "seed")
            ),
        };
        figure.write(folder, "quantized")?;
        files::write(&folder.join("quantized.json"), &to_json(measured))?;
        Ok(())
    }

    /// The data set that a network is made for: digits, or photographs of 32x32 pixels.
    ///
    /// # Errors
    ///
    /// If it is made for none of them.
    pub fn data_set(model: Model) -> Result<DataSet> {
        let [channels, height, _] = model.spec().image_shape;
        ensure!(
            height <= 32,
            "{model} takes larger images than MNIST and CIFAR-10 have; expected a network for those"
        );
        Ok(match channels {
            1 => DataSet::MNIST,
            _ => DataSet::CIFAR10,
        })
    }
}

/// Prints what a run has reached.
fn say(way: Way, weights: &str, seed: u64, accuracy: f64) -> Result<()> {
    let accuracy = 100.0 * accuracy;
    output::line(format_args!(
        "{}, {weights}, seed {seed}: {accuracy:.1} %",
        way.title()
    ))?;
    Ok(())
}

/// The network as Burn quantises it for inference: 8 bits for each weight of a layer, one scale for each tensor.
fn export(network: Network, bits: usize, testing: &Testing<'_>) -> Result<Export> {
    struct Dequantizer;

    impl ModuleMapper for Dequantizer {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            match param.val().dtype() {
                DType::QFloat(_) => param.map(Tensor::dequantize),
                _ => param,
            }
        }
    }

    let network = network.valid().materialize();
    let weights = layer_weights(&network).into_iter().map(|layer| layer.id);
    let group = ParamGroup::from_ids(weights.collect());
    let scheme = QuantScheme::default()
        .with_value(QuantValue::Q8S)
        .with_store(QuantStore::Native);
    let mut quantizer = Quantizer::new(Calibration::MinMax, scheme);
    let exported = network
        .clone()
        .quantize_weights_group(&mut quantizer, group);
    let bytes =
        |network: Network| Ok::<_, anyhow::Error>(network.into_record().into_bytes()?.len());
    Ok(Export {
        bits,
        bytes: bytes(exported.clone())?,
        bytes_before: bytes(network)?,
        accuracy: testing.accuracy(&exported.map(&mut Dequantizer))?,
    })
}

fn table_of(exports: &[Export]) -> String {
    let row = |of: &Export| {
        [
            of.bits.to_string(),
            of.bytes_before.to_string(),
            of.bytes.to_string(),
            format!("{:.1}", 100.0 * of.accuracy),
        ]
    };
    let rows: Vec<_> = exports.iter().map(row).collect();
    columns(&["bits", "bytes before", "after", "accuracy %"], &rows)
}

impl Measured {
    /// The accuracies of each seed.
    fn seeds(&self, way: Way, bits: usize) -> Option<&[f64]> {
        let mut found = self.accuracies.iter();
        let found = found.find(|of| of.way == way && of.bits == bits)?;
        Some(&found.seeds)
    }

    /// Mean and deviation over the seeds.
    pub fn spread(&self, way: Way, bits: usize) -> Option<Spread> {
        let seeds = self.seeds(way, bits)?;
        Some(Spread::of(seeds.iter().copied()))
    }

    /// Accuracies over the bits, which are numbered from 1.
    fn runs(&self, way: Way, bits: &[usize]) -> Runs {
        let of_bits: Vec<&[f64]> = bits
            .iter()
            .filter_map(|&bits| self.seeds(way, bits))
            .collect();
        let seeds = of_bits.first().map_or(0, |seeds| seeds.len());
        let of_seed = |seed: usize| after_each(1, of_bits.iter().map(|seeds| seeds[seed]));
        Runs::new(way, (0..seeds).map(of_seed))
    }

    /// The accuracies and exports as tables.
    pub fn table(&self) -> String {
        let mut bits: Vec<usize> = self.accuracies.iter().map(|of| of.bits).collect();
        bits.sort_unstable();
        bits.dedup();
        let numbers: Vec<String> = bits.iter().map(usize::to_string).collect();
        let mut header = vec!["test accuracy %, by bits"];
        header.extend(numbers.iter().map(String::as_str));
        let mut ways: Vec<Way> = self.accuracies.iter().map(|of| of.way).collect();
        ways.dedup();
        let row = |way: Way| -> Vec<String> {
            let spreads = bits.iter().map(|&bits| self.spread(way, bits));
            let cells = spreads.map(|of| of.map_or_else(String::new, Spread::percent));
            iter::once(way.title().to_owned()).chain(cells).collect()
        };
        let rows: Vec<_> = ways.into_iter().map(row).collect();
        let text = columns(&header, &rows);
        match self.exports.as_slice() {
            [] => text,
            exports => format!("{text}\nexported by Burn at 8 bits\n{}", table_of(exports)),
        }
    }
}
