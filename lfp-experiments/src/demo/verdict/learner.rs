//! The network that guesses, and how it learns.

use anyhow::Result;
use burn::{
    module::Module,
    nn::loss::CrossEntropyLossConfig,
    optim::{AdamConfig, GradientsParams, ModuleOptimizer},
    store::ModuleRecord,
    tensor::{Bytes, Device, Int, Tensor},
};
use lfp_burn::{
    Propagate, inference_mode,
    reward::{Judged, Reward, VerdictReward},
};
use lfp_models::{Classifier, Model, Network, NetworkConfig};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{Answer, CLASSES, Digits, ROUND, Verdict, Way};
use crate::seed;

const LEARNING_RATE: f64 = 1e-3;
/// Steps after a round of verdicts.
const STEPS: usize = 10;
/// Verdicts of a step, drawn from all so far.
const BATCH: usize = 64;
/// Share of false verdicts that the network reckons with: people err.
const DOUBT: f64 = 0.02;

pub(super) struct Learner {
    way: Way,
    seed: u64,
    network: Network,
    optimizer: ModuleOptimizer,
    device: Device,
}

impl Learner {
    pub(super) fn new(way: Way, seed: u64, shape: [usize; 3], device: &Device) -> Result<Self> {
        let device = device.clone().autodiff();
        // Without dropout, a step draws no random numbers from the device.
        let config = NetworkConfig {
            dropout: Some(0.0),
            ..NetworkConfig::new(shape, CLASSES)
        };
        let network = seed::draw(&device, seed::mix(seed, 2), || {
            Model::LENET.init(&config, &device)
        })?;
        Ok(Self {
            way,
            seed,
            network,
            optimizer: AdamConfig::new().init(),
            device,
        })
    }

    /// Weights and state of the optimiser.
    pub(super) fn records(&self) -> Result<[Bytes; 2]> {
        let network = self.network.clone().into_record().into_bytes()?;
        Ok([network, self.optimizer.into_bytes()?])
    }

    pub(super) fn restore(&mut self, [network, optimizer]: [Bytes; 2]) -> Result<()> {
        let network = ModuleRecord::from_bytes(network)?;
        self.network = self.network.clone().load_record(network);
        self.optimizer = self.optimizer.clone().from_bytes(optimizer)?;
        Ok(())
    }

    /// The class of each image.
    pub(super) fn guess(&self, digits: &Digits, images: &[usize]) -> Result<Vec<usize>> {
        let network = inference_mode(self.network.clone()).valid();
        let images = digits.pictures(images, &self.device.clone().inner());
        let decided = network.outputs(images).logits()?.argmax(1).into_data();
        Ok(decided.iter::<i64>().map(|class| class as usize).collect())
    }

    /// The share of images that are guessed rightly.
    pub(super) fn accuracy(&self, digits: &Digits) -> Result<f64> {
        let images: Vec<usize> = (0..digits.len()).collect();
        let guesses = self.guess(digits, &images)?.into_iter().enumerate();
        let right = guesses.filter(|&(image, guess)| digits.label(image) == guess);
        Ok(right.count() as f64 / digits.len().max(1) as f64)
    }

    /// Learns from the verdicts in `answers`, all so far. What is drawn of them depends on their number alone.
    pub(super) fn learn(&mut self, digits: &Digits, answers: &[Answer]) -> Result<()> {
        let judged = answers
            .iter()
            .filter(|answer| answer.verdict != Verdict::Skip);
        let judged: Vec<&Answer> = judged.collect();
        if judged.is_empty() {
            return Ok(());
        }
        let round = (judged.len() / ROUND) as u64;
        let mut random = StdRng::seed_from_u64(seed::mix(seed::mix(self.seed, 3), round));
        for _ in 0..STEPS {
            let drawn = (0..BATCH).map(|_| judged[random.random_range(0..judged.len())]);
            let updates = self.updates(digits, &drawn.collect::<Vec<_>>())?;
            let network = self.network.clone();
            self.network = self.optimizer.step(LEARNING_RATE, network, updates);
        }
        Ok(())
    }

    fn updates(&self, digits: &Digits, answers: &[&Answer]) -> Result<GradientsParams> {
        let images: Vec<usize> = answers.iter().map(|answer| answer.image).collect();
        let images = digits.pictures(&images, &self.device);
        let outputs = self.network.outputs(images).logits()?;
        let of = |value: &dyn Fn(&Answer) -> i64| -> Tensor<1, Int> {
            let values: Vec<i64> = answers.iter().map(|answer| value(answer)).collect();
            Tensor::from_data(values.as_slice(), &self.device)
        };
        let guesses = of(&|answer| answer.guess as i64);
        if self.way == Way::CrossEntropy {
            let loss = CrossEntropyLossConfig::new().init(&self.device);
            let loss = loss.forward(outputs, guesses);
            return Ok(GradientsParams::from_grads(loss.backward(), &self.network));
        }
        let verdicts = of(&|answer| match answer.verdict {
            Verdict::Up => 1,
            Verdict::Down => -1,
            Verdict::Skip => 0,
        });
        // A label is a guess that is right.
        let reward = match self.way {
            Way::Verdicts => VerdictReward::new().with_error_rate(DOUBT),
            Way::Labels | Way::CrossEntropy => VerdictReward::new(),
        };
        let reward = reward.forward(outputs.clone(), Judged { guesses, verdicts });
        Ok(outputs.propagate(reward).into_grads(&self.network))
    }
}
