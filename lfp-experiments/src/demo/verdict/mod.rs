//! `demo verdict`: a network guesses digits, and a person says right or wrong.
//!
//! A verdict tells nothing but whether the guess was right (*bandit feedback*), so a wrong guess leaves nine classes. The
//! network learns by LFP with the reward of a verdict, [`VerdictReward`](lfp_burn::reward::VerdictReward); beside it the same
//! network learns the same digits from their labels. The person may be a simulated one, who errs at a given rate.

mod draw;
mod learner;
mod person;
mod round;
mod state;

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use burn::tensor::Device;
use clap::ValueEnum;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use self::{learner::Learner, person::Person, round::Round, state::Settings};
use super::{Compared, digits::Digits};
use crate::{
    data::{DataSet, Reading},
    device::DeviceName,
    interrupt, output, seed,
    train::Versions,
};

pub use draw::table;
pub use state::StateError;

const CLASSES: usize = 10;
/// Verdicts after which the network learns.
const ROUND: usize = 10;
/// Verdicts after which its accuracy is measured.
const MEASURED: usize = 100;
/// Test images that are measured, at most.
const TESTED: usize = 2000;

/// What to ask, and whom.
#[derive(Clone, Debug)]
pub struct Request {
    /// Verdicts of a round.
    pub verdicts: usize,
    /// What is compared. Without [`Way::Verdicts`], nobody is asked.
    pub ways: Vec<Way>,
    /// Rounds, each with a seed of its own.
    pub seeds: usize,
    /// The share of false verdicts of a simulated person; `None` for a person at the terminal.
    pub error_rate: Option<f64>,
    /// Folder of the rounds, the figure and its numbers.
    pub out: PathBuf,
    /// Name of the device: a round stays on it.
    pub device: DeviceName,
}

/// A way to train.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// LFP with the verdicts
    Verdicts,
    /// LFP with reward #3 and the labels
    Labels,
    /// The gradient of the cross-entropy with the labels
    CrossEntropy,
}

/// The test accuracies of a way, seed by seed, after every hundred verdicts and after the last.
#[derive(Clone, Debug)]
pub struct Curves {
    /// The way.
    pub way: Way,
    /// Of each seed.
    pub seeds: Vec<Vec<f64>>,
}

/// What was said to a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is right.
    Up,
    /// It is wrong.
    Down,
    /// Nothing.
    Skip,
}

/// A guess and what was said to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Number of the training image.
    image: usize,
    guess: usize,
    verdict: Verdict,
}

/// Who says whether a guess is right.
trait Judge {
    /// The verdict; `None` to leave the round.
    fn judge(&mut self, digits: &Digits, image: usize, guess: usize) -> Result<Option<Verdict>>;

    /// Whether each verdict is to be saved at once, because it cannot be had again.
    fn is_dear(&self) -> bool;
}

/// The images of a round.
struct Images {
    train: Digits,
    test: Digits,
    /// Tells these data from others.
    digest: String,
}

/// How something with verdicts ended. `T` is what a complete one has: the curves of a request, the accuracies of a round.
#[derive(Debug)]
pub enum Ended<T> {
    /// All verdicts are there.
    Complete(T),
    /// The round was left.
    Left {
        /// All verdicts.
        verdicts: usize,
        /// Those that called the guess right.
        right: usize,
    },
}

impl Images {
    fn read(data_dir: Option<&Path>) -> Result<Self> {
        let split = DataSet::MNIST.load(data_dir, Reading::default())?;
        let mut digest = Sha256::new();
        split.train.identify(&mut digest);
        split.test.identify(&mut digest);
        Ok(Self {
            train: Digits::read(split.train.as_ref(), usize::MAX)?,
            test: Digits::read(split.test.as_ref(), TESTED)?,
            digest: format!("{:x}", digest.finalize()),
        })
    }
}

impl Request {
    /// Asks for verdicts where a round was left, and compares with labels when all rounds are complete.
    ///
    /// # Errors
    ///
    /// If MNIST cannot be read, a round cannot be saved or taken up again, another process asks in the same folder, or the
    /// terminal cannot be written or read.
    pub fn run(&self, data_dir: Option<&Path>, device: &Device) -> Result<Ended<Vec<Curves>>> {
        let asks = self.ways.contains(&Way::Verdicts);
        let _lock = asks.then(|| state::lock(&self.out)).transpose()?;
        let images = Images::read(data_dir)?;
        ensure!(
            self.verdicts <= images.train.len(),
            "--verdicts {}: the data have {} images only",
            self.verdicts,
            images.train.len()
        );
        let mut curves = Vec::new();
        for &way in &self.ways {
            let mut seeds = Vec::new();
            for seed in 0..self.seeds as u64 {
                match self.accuracies(way, seed, &images, device)? {
                    Ended::Complete(accuracies) => seeds.push(accuracies),
                    Ended::Left { verdicts, right } => return Ok(Ended::Left { verdicts, right }),
                }
            }
            curves.push(Curves { way, seeds });
        }
        Ok(Ended::Complete(curves))
    }

    fn accuracies(
        &self,
        way: Way,
        seed: u64,
        images: &Images,
        device: &Device,
    ) -> Result<Ended<Vec<f64>>> {
        match way {
            Way::Verdicts => self.asked(seed, images, device),
            Way::Labels | Way::CrossEntropy => self
                .supervised(way, seed, images, device)
                .map(Ended::Complete),
        }
    }

    /// A round, from where it was left.
    fn asked(&self, seed: u64, images: &Images, device: &Device) -> Result<Ended<Vec<f64>>> {
        let settings = Settings {
            error_rate: self.error_rate,
            data: images.digest.clone(),
            device: self.device.clone(),
            versions: Versions::default(),
        };
        let mut round = Round::open(&self.out, seed, settings, images, device)?;
        let complete = match self.error_rate {
            Some(error_rate) => round.go_on(self.verdicts, &mut Oracle { error_rate, seed })?,
            None => round.go_on(self.verdicts, &mut Person::new()?)?,
        };
        let (verdicts, right) = round.said();
        Ok(match complete {
            true => Ended::Complete(round.accuracies()?),
            false => Ended::Left { verdicts, right },
        })
    }

    /// The accuracies of a network that learns the digits of a round from their labels.
    fn supervised(
        &self,
        way: Way,
        seed: u64,
        images: &Images,
        device: &Device,
    ) -> Result<Vec<f64>> {
        let mut learner = Learner::new(way, seed, images.train.shape, device)?;
        let label = |&image: &usize| Answer {
            image,
            guess: images.train.label(image),
            verdict: Verdict::Up,
        };
        let order = order(seed, images.train.len());
        let answers: Vec<Answer> = order.iter().take(self.verdicts).map(label).collect();
        let mut accuracies = Vec::new();
        for round in 1..=self.verdicts / ROUND {
            learner.learn(&images.train, &answers[..round * ROUND])?;
            if (round * ROUND).is_multiple_of(MEASURED) {
                accuracies.push(learner.accuracy(&images.test)?);
                say_accuracy(way, seed, &accuracies)?;
            }
            interrupt::check()?;
        }
        if !self.verdicts.is_multiple_of(MEASURED) {
            accuracies.push(learner.accuracy(&images.test)?);
        }
        Ok(accuracies)
    }
}

/// Prints the last of the accuracies.
fn say_accuracy(way: Way, seed: u64, accuracies: &[f64]) -> Result<()> {
    let Some(last) = accuracies.last() else {
        return Ok(());
    };
    output::line(format_args!(
        "{}, seed {seed}, after {}: {:.1} % of the test images are right",
        way.title(),
        accuracies.len() * MEASURED,
        100.0 * last
    ))?;
    Ok(())
}

/// The images of a round in the order in which they are shown.
fn order(seed: u64, images: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..images).collect();
    order.shuffle(&mut StdRng::seed_from_u64(seed::mix(seed, 0)));
    order
}

/// A simulated person.
struct Oracle {
    error_rate: f64,
    seed: u64,
}

impl Judge for Oracle {
    fn judge(&mut self, digits: &Digits, image: usize, guess: usize) -> Result<Option<Verdict>> {
        if interrupt::is_requested() {
            return Ok(None);
        }
        // The same image gets the same verdict before and after a break.
        let seed = seed::mix(seed::mix(self.seed, 1), image as u64);
        let errs = StdRng::seed_from_u64(seed).random::<f64>() < self.error_rate;
        let is_right = digits.label(image) == guess;
        Ok(Some(match is_right != errs {
            true => Verdict::Up,
            false => Verdict::Down,
        }))
    }

    fn is_dear(&self) -> bool {
        false
    }
}
