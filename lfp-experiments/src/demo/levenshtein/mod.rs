//! `demo levenshtein`: strings of digits, and the edit distance as the objective.
//!
//! A network puts out a digit or blank for each column of a picture. The edit distance of what the columns spell to the
//! string has no derivative, and does not say which column is to spell what. Four ways to train the same network on the same
//! pictures: with the alignment of digits and columns, the cross-entropy and LFP with reward #3; without it, the CTC loss and
//! LFP with a reward from the edit distance.

mod distance;
mod draw;
mod reader;
mod strings;

use std::path::Path;

use anyhow::Result;
use burn::{
    module::Module,
    nn::loss::{CTCLossConfig, CrossEntropyLossConfig, Reduction},
    optim::{AdamConfig, GradientsParams},
    tensor::{Device, Tensor, activation::log_softmax},
};
use clap::ValueEnum;
use lfp_burn::{
    Propagate, inference_mode,
    reward::{Decoding, Reward, SequenceReward, SoftmaxReward},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::Serialize;

use self::{
    distance::edit_distance,
    reader::Reader,
    strings::{Batch, Writer, Written},
};
use super::Compared;
use crate::{
    data::{DataSet, Reading},
    output, seed,
};

pub use draw::{distance, exact, table};

/// Digits and blank.
const CLASSES: usize = 11;
const BLANK: usize = 10;
const DECODING: Decoding = Decoding::Merge { blank: BLANK };
const BATCH: usize = 64;
/// Pictures of each length that are tested.
const TESTED: usize = 200;
/// At the first step; it falls linearly, to 0 after the last.
const LEARNING_RATE: f64 = 3e-3;
/// Columns draw their decisions from the softmax.
const TEMPERATURE: f64 = 1.0;

/// What to train.
#[derive(Clone, Debug)]
pub struct Request {
    /// Digits of a string, at most.
    pub longest: usize,
    /// Pictures of a pass, drawn anew for each.
    pub samples: usize,
    /// Passes.
    pub epochs: usize,
    /// What is compared.
    pub ways: Vec<Way>,
    /// Draws of the decisions whose scores are averaged, for [`Way::EditDistance`].
    pub draws: usize,
    /// Runs of each way.
    pub seeds: usize,
}

/// A way to train.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// The gradient of the cross-entropy of each column, by the alignment
    AlignedCrossEntropy,
    /// LFP with reward #3 of Table 2 for each column, by the alignment
    AlignedReward,
    /// The gradient of the CTC loss
    Ctc,
    /// LFP with a reward from the edit distance
    EditDistance,
}

/// The test of strings of one length after an epoch.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Score {
    /// Digits of a string.
    pub length: usize,
    /// Share of strings that were read without an error.
    pub exact: f64,
    /// Mean edit distance.
    pub distance: f64,
}

/// The runs of a way.
#[derive(Clone, Debug, Serialize)]
pub struct Curves {
    /// The way.
    pub way: Way,
    /// Scores of each seed, epoch by epoch, length by length.
    pub seeds: Vec<Vec<Vec<Score>>>,
}

/// Turns outputs into updates.
type Update = Box<dyn Fn(&Reader, Tensor<3>, &Batch) -> GradientsParams>;

impl Way {
    /// `draws` are those of [`Request`].
    fn update(self, draws: usize) -> Update {
        fn gradient(loss: Tensor<1>, reader: &Reader) -> GradientsParams {
            GradientsParams::from_grads(loss.backward(), reader)
        }
        match self {
            Self::AlignedCrossEntropy => Box::new(|reader, outputs, batch| {
                let loss = CrossEntropyLossConfig::new().init(&outputs.device());
                let loss = loss.forward(outputs.flatten::<2>(0, 1), batch.aligned().flatten(0, 1));
                gradient(loss, reader)
            }),
            Self::AlignedReward => Box::new(|reader, outputs, batch| {
                let reward = SoftmaxReward::new().forward(outputs.clone(), batch.aligned());
                outputs.propagate(reward).into_grads(reader)
            }),
            Self::Ctc => Box::new(|reader, outputs, batch| {
                let [samples, columns, _] = outputs.dims();
                let (texts, lengths) = batch.padded();
                let columns = Tensor::full([samples], columns as i64, &outputs.device());
                let outputs = log_softmax(outputs, 2).swap_dims(0, 1);
                let loss = CTCLossConfig::new().with_blank(BLANK).init();
                let loss =
                    loss.forward_with_reduction(outputs, texts, columns, lengths, Reduction::Mean);
                gradient(loss, reader)
            }),
            Self::EditDistance => {
                let score = |read: &[usize], written: &Written| {
                    -(edit_distance(read, &written.text) as f64)
                };
                let reward = SequenceReward::new(score, DECODING)
                    .with_temperature(TEMPERATURE)
                    .with_draws(draws);
                Box::new(move |reader, outputs, batch| {
                    let reward = reward.forward(outputs.clone(), batch.written.as_slice());
                    outputs.propagate(reward).into_grads(reader)
                })
            }
        }
    }
}

impl Request {
    /// Trains every way with every seed, and prints a line after each epoch.
    ///
    /// # Errors
    ///
    /// If MNIST cannot be read.
    pub fn run(&self, data_dir: Option<&Path>, device: &Device) -> Result<Vec<Curves>> {
        let split = DataSet::MNIST.load(data_dir, Reading::default())?;
        let train = Writer::new(split.train.as_ref(), self.longest)?;
        let test = Writer::new(split.test.as_ref(), self.longest)?;
        let test = self.test(&test, &device.clone().inner());
        let of_way = |&way: &Way| -> Result<Curves> {
            let seeds = 0..self.seeds as u64;
            let runs = seeds.map(|seed| self.train(way, seed, &train, &test, device));
            Ok(Curves {
                way,
                seeds: runs.collect::<Result<_>>()?,
            })
        };
        self.ways.iter().map(of_way).collect()
    }

    /// Pictures of each length, the same in all runs.
    fn test(&self, writer: &Writer, device: &Device) -> Vec<Batch> {
        let mut random = StdRng::seed_from_u64(seed::mix(0, 0));
        let lengths = 1..=self.longest;
        lengths
            .map(|length| writer.batch(&[length; TESTED], &mut random, device))
            .collect()
    }

    fn train(
        &self,
        way: Way,
        run: u64,
        train: &Writer,
        test: &[Batch],
        device: &Device,
    ) -> Result<Vec<Vec<Score>>> {
        let device = device.clone().autodiff();
        device.seed(seed::mix(run, 0));
        let mut reader = Reader::new(&device);
        let mut optimizer = AdamConfig::new().init();
        let update = way.update(self.draws);
        let mut random = StdRng::seed_from_u64(seed::mix(run, 1));
        let (mut scores, mut seen) = (Vec::new(), 0);
        for epoch in 1..=self.epochs {
            let mut left = self.samples;
            while left > 0 {
                let lengths = (0..left.min(BATCH)).map(|_| random.random_range(1..=self.longest));
                let lengths: Vec<usize> = lengths.collect();
                let batch = train.batch(&lengths, &mut random, &device);
                let rest = 1.0 - seen as f64 / (self.epochs * self.samples) as f64;
                let updates = update(&reader, reader.forward(batch.pictures.clone()), &batch);
                reader = optimizer.step(LEARNING_RATE * rest, reader, updates);
                left -= lengths.len();
                seen += lengths.len();
            }
            let tested = score(reader.clone(), test);
            output::line(format_args!(
                "{}, seed {run}, epoch {epoch}/{}: {:.1} % without an error, edit distance {:.2}",
                way.title(),
                self.epochs,
                100.0 * exact(&tested),
                distance(&tested)
            ))?;
            scores.push(tested);
        }
        Ok(scores)
    }
}

fn score(reader: Reader, test: &[Batch]) -> Vec<Score> {
    let reader = inference_mode(reader).valid();
    test.iter()
        .map(|batch| score_batch(&reader, batch))
        .collect()
}

/// The score of pictures of strings of one length.
fn score_batch(reader: &Reader, batch: &Batch) -> Score {
    let outputs = reader.forward(batch.pictures.clone());
    let [samples, columns, _] = outputs.dims();
    let decided = outputs.argmax(2).into_data();
    let decided: Vec<usize> = decided.iter::<i64>().map(|class| class as usize).collect();
    let mut read = Vec::new();
    let distances = decided.chunks(columns).zip(&batch.written);
    let distances = distances.map(|(decided, written)| {
        DECODING.decode(decided, &mut read);
        edit_distance(&read, &written.text)
    });
    let distances: Vec<usize> = distances.collect();
    let share = |of: usize| of as f64 / samples as f64;
    Score {
        length: batch
            .written
            .first()
            .map_or(0, |written| written.text.len()),
        exact: share(distances.iter().filter(|&&distance| distance == 0).count()),
        distance: share(distances.iter().sum()),
    }
}
