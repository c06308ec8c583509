//! `demo f1`: a digit that is rare against all others, and F1 as the objective.
//!
//! F1 is no sum over samples, and a count of decisions has no derivative. Four ways to train the same network on the same
//! samples: the cross-entropy, the cross-entropy with class weights, LFP with reward #3, and LFP with a reward from F1.

use std::path::Path;

use anyhow::{Result, ensure};
use burn::{
    module::Module,
    nn::loss::CrossEntropyLossConfig,
    optim::{AdamConfig, GradientsParams},
    tensor::{Device, Int, Tensor},
};
use clap::ValueEnum;
use lfp_burn::{
    Propagate, inference_mode,
    reward::{BatchObjectiveReward, Counts, Reward, SoftmaxReward, macro_f1},
};
use lfp_models::{Classifier, Model, Network, NetworkConfig};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde::Serialize;

use super::{
    Compared,
    curves::{Runs, after_each, panel, shares},
    digits::Digits,
};
use crate::{
    data::{DataSet, Reading, Samples},
    files::{self, to_json},
    output,
    plot::{Axis, Figure, GRADIENT, LFP, Look, NEGATIVE, SURROGATE},
    seed,
    study::Spread,
    text::{columns, counted, given_percent},
};

const BATCH: usize = 128;
/// Samples that are tested at a time.
const TESTED: usize = 1000;
const LEARNING_RATE: f64 = 1e-3;
/// Batches that F1 remembers, about ten: a batch has two or three samples of the digit.
const MEMORY: f64 = 0.9;

/// What to train.
#[derive(Clone, Debug)]
pub struct Request {
    /// The digit that is rare.
    pub digit: u32,
    /// Its share of the samples, in training and in testing.
    pub share: f64,
    /// Training samples, at most.
    pub samples: usize,
    /// Passes over them.
    pub epochs: usize,
    /// What is compared.
    pub ways: Vec<Way>,
    /// Runs of each way.
    pub seeds: usize,
}

/// A way to train.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// The gradient of the cross-entropy
    CrossEntropy,
    /// The same, with each class weighted by its inverse frequency
    WeightedCrossEntropy,
    /// LFP with reward #3 of Table 2
    SoftmaxReward,
    /// LFP with a reward from macro F1
    F1Reward,
}

/// The test after an epoch.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Score {
    /// Mean of F1 over the digit and the rest.
    pub macro_f1: f64,
    /// Of the digit.
    pub precision: f64,
    /// Of the digit.
    pub recall: f64,
}

/// The runs of a way.
#[derive(Clone, Debug, Serialize)]
pub struct Curves {
    /// The way.
    pub way: Way,
    /// Training samples: those that were asked for, or as many as keep the digit's share.
    pub samples: usize,
    /// Scores of each seed, epoch by epoch.
    pub seeds: Vec<Vec<Score>>,
}

impl Compared for Way {
    fn title(self) -> &'static str {
        match self {
            Self::CrossEntropy => "cross-entropy",
            Self::WeightedCrossEntropy => "weighted cross-entropy",
            Self::SoftmaxReward => "LFP, reward #3",
            Self::F1Reward => "LFP, reward from F1",
        }
    }

    fn look(self) -> Look {
        match self {
            Self::CrossEntropy => GRADIENT,
            Self::WeightedCrossEntropy => SURROGATE,
            Self::SoftmaxReward => Look {
                colour: NEGATIVE,
                ..LFP
            },
            Self::F1Reward => LFP,
        }
    }
}

/// Images, and which of them show the digit.
struct Images {
    digits: Digits,
    digit: usize,
}

impl Images {
    /// Samples of which the digit has its share, in random order: at most `most`, and all that there are otherwise.
    fn imbalanced(data: &dyn Samples, request: &Request, most: usize) -> Result<Self> {
        let of = |wanted: bool| {
            let all = 0..data.len();
            all.filter(move |&index| (data.label(index) == request.digit) == wanted)
        };
        let (rare, rest): (Vec<_>, Vec<_>) = (of(true).collect(), of(false).collect());
        // As many of the rest as keep the digit's share, if it has enough samples.
        let rest_of = |samples: usize| ((1.0 - request.share) * samples as f64).round() as usize;
        let samples = most.min((rest.len() as f64 / (1.0 - request.share)) as usize);
        let digits = samples - rest_of(samples);
        ensure!(
            digits > 0 && digits <= rare.len(),
            "a share of {} of {samples} samples is {digits} images of the digit {}; there are {}",
            request.share,
            request.digit,
            rare.len()
        );
        let rare = rare.into_iter().take(digits);
        Ok(Self {
            digits: Digits::of(data, rare.chain(rest.into_iter().take(samples - digits)))?,
            digit: request.digit as usize,
        })
    }

    /// The class of an image: 1 for the digit, 0 for the rest.
    fn class(&self, index: usize) -> i64 {
        (self.digits.label(index) == self.digit).into()
    }

    fn batch(&self, indices: &[usize], device: &Device) -> (Tensor<4>, Tensor<1, Int>) {
        let classes: Vec<i64> = indices.iter().map(|&index| self.class(index)).collect();
        (
            self.digits.pictures(indices, device),
            Tensor::from_data(classes.as_slice(), device),
        )
    }

    /// Weights by inverse frequency, of the rest and the digit.
    fn class_weights(&self) -> [f32; 2] {
        let all = self.digits.len();
        let digits = (0..all).map(|index| self.class(index)).sum::<i64>() as f32;
        let all = all as f32;
        [all / (2.0 * (all - digits)), all / (2.0 * digits)]
    }
}

/// Turns logits and labels into updates.
type Update = Box<dyn Fn(&Network, Tensor<2>, Tensor<1, Int>) -> GradientsParams>;

impl Way {
    fn update(self, train: &Images) -> Update {
        let cross_entropy = |weights: Option<Vec<f32>>| -> Update {
            Box::new(move |network, logits, labels| {
                let loss = CrossEntropyLossConfig::new().with_weights(weights.clone());
                let loss = loss.init(&logits.device()).forward(logits, labels);
                GradientsParams::from_grads(loss.backward(), network)
            })
        };
        fn lfp(reward: impl Reward<2> + 'static) -> Update {
            Box::new(move |network, logits, labels| {
                let reward = reward.forward(logits.clone(), labels);
                logits.propagate(reward).into_grads(network)
            })
        }
        match self {
            Self::CrossEntropy => cross_entropy(None),
            Self::WeightedCrossEntropy => cross_entropy(Some(train.class_weights().into())),
            Self::SoftmaxReward => lfp(SoftmaxReward::new()),
            Self::F1Reward => lfp(BatchObjectiveReward::new(macro_f1).with_memory(MEMORY)),
        }
    }
}

impl Request {
    /// Trains every way with every seed, and prints a line after each run.
    ///
    /// # Errors
    ///
    /// If MNIST cannot be read, or has too few images of the digit.
    pub fn run(&self, data_dir: Option<&Path>, device: &Device) -> Result<Vec<Curves>> {
        let split = DataSet::MNIST.load(data_dir, Reading::default())?;
        let train = Images::imbalanced(split.train.as_ref(), self, self.samples)?;
        let test = Images::imbalanced(split.test.as_ref(), self, usize::MAX)?;
        let of_way = |&way: &Way| -> Result<Curves> {
            let seeds = 0..self.seeds as u64;
            let runs = seeds.map(|seed| self.train(way, seed, [&train, &test], device));
            Ok(Curves {
                way,
                samples: train.digits.len(),
                seeds: runs.collect::<Result<_>>()?,
            })
        };
        self.ways.iter().map(of_way).collect()
    }

    fn train(
        &self,
        way: Way,
        run: u64,
        [train, test]: [&Images; 2],
        device: &Device,
    ) -> Result<Vec<Score>> {
        let device = device.clone().autodiff();
        device.seed(seed::mix(run, 0));
        let config = NetworkConfig::new(train.digits.shape, 2);
        let mut network = Model::LENET.init(&config, &device)?;
        let mut optimizer = AdamConfig::new().init();
        let update = way.update(train);
        let mut order: Vec<usize> = (0..train.digits.len()).collect();
        let mut random = StdRng::seed_from_u64(seed::mix(run, 1));
        let mut scores = Vec::new();
        for _ in 0..self.epochs {
            order.shuffle(&mut random);
            for indices in order.chunks(BATCH) {
                let (images, labels) = train.batch(indices, &device);
                let logits = network.outputs(images).logits()?;
                let updates = update(&network, logits, labels);
                network = optimizer.step(LEARNING_RATE, network, updates);
            }
            scores.push(score(network.clone(), test, &device.clone().inner())?);
        }
        if let Some(last) = scores.last() {
            let macro_f1 = 100.0 * last.macro_f1;
            output::line(format_args!(
                "{}, seed {run}: macro F1 {macro_f1:.1} %",
                way.title()
            ))?;
        }
        Ok(scores)
    }

    /// Draws the figure, and writes its numbers.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn draw(&self, curves: &[Curves], folder: &Path) -> Result<()> {
        let panel = |title: &str, value: fn(&Score) -> f64| {
            let epochs = Axis::whole("epoch", 1.0..self.epochs.max(2) as f64);
            let ways: Vec<Runs> = curves.iter().map(|of_way| of_way.runs(value)).collect();
            panel(title, [epochs, shares()], &ways)
        };
        let figure = Figure {
            columns: 3,
            panel_size: (360, 300),
            panels: vec![
                panel("Macro F1", |score| score.macro_f1),
                panel("Precision of the digit", |score| score.precision),
                panel("Recall of the digit", |score| score.recall),
            ],
            corner: String::new(),
            note: format!(
                "MNIST, digit {} at {} of {} samples, LeNet, {}",
                self.digit,
                given_percent(self.share),
                curves.first().map_or(0, |curves| curves.samples),
                counted(self.seeds, "seed")
            ),
        };
        figure.write(folder, "f1")?;
        files::write(&folder.join("f1.json"), &to_json(&curves))?;
        Ok(())
    }
}

fn score(network: Network, test: &Images, device: &Device) -> Result<Score> {
    let network = inference_mode(network).valid();
    let mut counts = [Counts::default(); 2];
    let all: Vec<usize> = (0..test.digits.len()).collect();
    for indices in all.chunks(TESTED) {
        let (images, _) = test.batch(indices, device);
        let decided = network.outputs(images).logits()?.argmax(1).into_data();
        for (decided, &index) in decided.iter::<i64>().zip(indices) {
            for (class, counts) in counts.iter_mut().enumerate() {
                let class = class as i64;
                counts.count(test.class(index) == class, decided == class, 1.0);
            }
        }
    }
    let [_, digit] = counts;
    Ok(Score {
        macro_f1: macro_f1(&counts),
        precision: digit.precision(),
        recall: digit.recall(),
    })
}

impl Curves {
    /// A value of the scores over the epochs.
    fn runs(&self, value: fn(&Score) -> f64) -> Runs {
        let of_seed = |scores: &Vec<Score>| after_each(1, scores.iter().map(value));
        Runs::new(self.way, self.seeds.iter().map(of_seed))
    }

    /// Mean and deviation over the seeds after the last epoch.
    pub fn last(&self, value: fn(&Score) -> f64) -> Spread {
        Spread::of(
            self.seeds
                .iter()
                .filter_map(|scores| scores.last().map(value)),
        )
    }
}

/// The scores after the last epoch as a table.
pub fn table(curves: &[Curves]) -> String {
    let row = |of_way: &Curves| {
        [
            of_way.way.title().to_owned(),
            of_way.last(|score| score.macro_f1).percent(),
            of_way.last(|score| score.precision).percent(),
            of_way.last(|score| score.recall).percent(),
        ]
    };
    let rows: Vec<_> = curves.iter().map(row).collect();
    columns(&["way", "macro F1 %", "precision %", "recall %"], &rows)
}
