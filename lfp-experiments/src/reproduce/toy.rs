//! Training on toy data, over learning rates and drawn data sets.

use std::sync::{Arc, Mutex};

use burn::{
    module::Module,
    optim::{SgdConfig, momentum::MomentumConfig},
    tensor::Device,
};
use indicatif::{ProgressBar, ProgressStyle};
use lfp_models::{MlpConfig, Network, initialized};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::curves::mean_and_deviation;
use crate::{
    data::{Batches, Order, PointCloud, Samples},
    objective::{Method, Objective},
    train::{Accuracy, Sharing, train_epoch},
};

const BATCH: usize = 128;
const MOMENTUM: f64 = 0.95;

/// The training of one kind of toy data.
#[derive(Clone)]
pub(super) struct Experiment {
    pub(super) cloud: PointCloud,
    pub(super) method: Method,
    /// What is asked of the outputs.
    pub(super) objective: Arc<Objective>,
}

/// A trained network.
#[derive(Clone, Debug)]
pub(super) struct Trained {
    pub(super) initial: Network,
    pub(super) network: Network,
    /// Test accuracy before training and after each epoch.
    pub(super) curve: Vec<f64>,
}

impl Trained {
    pub(super) fn accuracy(&self) -> f64 {
        self.curve.last().copied().unwrap_or_default()
    }
}

/// All networks of one learning rate, a network for each data set.
#[derive(Clone, Debug)]
pub(super) struct AtRate {
    pub(super) lr: f64,
    pub(super) runs: Vec<Trained>,
}

impl AtRate {
    /// Mean and deviation of the final test accuracy.
    pub(super) fn accuracy(&self) -> (f64, f64) {
        mean_and_deviation(self.runs.iter().map(Trained::accuracy))
    }

    /// Mean and deviation of the test accuracy before training and after each epoch.
    pub(super) fn curve(&self) -> Vec<(f64, f64)> {
        let epochs = self.runs[0].curve.len();
        (0..epochs)
            .map(|epoch| mean_and_deviation(self.runs.iter().map(|run| run.curve[epoch])))
            .collect()
    }
}

/// An experiment at every learning rate.
pub(super) struct Sweep {
    pub(super) cloud: PointCloud,
    pub(super) method: Method,
    pub(super) rates: Vec<AtRate>,
}

impl Sweep {
    /// The learning rate with the highest accuracy; of several the one that got there soonest.
    pub(super) fn best(&self) -> &AtRate {
        let merit = |rate: &AtRate| {
            let along: f64 = rate.curve().iter().map(|(mean, _)| mean).sum();
            (rate.accuracy().0, along)
        };
        let better = |a: &&AtRate, b: &&AtRate| merit(a).partial_cmp(&merit(b)).expect("finite");
        self.rates
            .iter()
            .max_by(better)
            .expect("at least one learning rate")
    }
}

/// Trains every experiment at every learning rate on every data set, on all cores.
pub(super) fn sweep(
    experiments: &[Experiment],
    rates: &[f64],
    seeds: &[u64],
    device: &Device,
) -> Vec<Sweep> {
    let jobs: Vec<_> = experiments
        .iter()
        .flat_map(|experiment| rates.iter().map(move |&lr| (experiment, lr)))
        .flat_map(|(experiment, lr)| seeds.iter().map(move |&seed| (experiment, lr, seed)))
        .collect();
    let template = "[{bar:30}] {pos}/{len} networks, {eta} left";
    let style = ProgressStyle::with_template(template).expect("a valid template");
    let bar = ProgressBar::new(jobs.len() as u64).with_style(style.progress_chars("=> "));
    let trained: Vec<Trained> = jobs
        .into_par_iter()
        .map(|(experiment, lr, seed)| {
            let trained = experiment.train(lr, seed, device);
            bar.inc(1);
            trained
        })
        .collect();
    bar.finish_and_clear();

    let mut trained = trained.into_iter();
    let sweep = |experiment: &Experiment| Sweep {
        cloud: experiment.cloud,
        method: experiment.method,
        rates: rates
            .iter()
            .map(|&lr| AtRate {
                lr,
                runs: trained.by_ref().take(seeds.len()).collect(),
            })
            .collect(),
    };
    experiments.iter().map(sweep).collect()
}

impl Experiment {
    pub(super) fn epochs(&self) -> usize {
        match self.cloud {
            PointCloud::Blobs | PointCloud::Circles => 10,
            PointCloud::Swirl => 15,
        }
    }

    fn train(&self, lr: f64, seed: u64, device: &Device) -> Trained {
        let (train, test) = self.cloud.train_and_test(seed);
        let num_classes = train.num_classes();
        let (train, test): (Arc<dyn Samples>, Arc<dyn Samples>) = (Arc::new(train), Arc::new(test));
        let device = device.clone().autodiff();
        let momentum = MomentumConfig::new()
            .with_momentum(MOMENTUM)
            .with_dampening(0.0);
        let mut optimizer = SgdConfig::new().with_momentum(Some(momentum)).init();
        let initial = initial_network(num_classes, seed, &device);
        let mut network = initial.clone();

        let accuracy = |network: &Network| {
            let tests = batches(&test, test.len(), Order::Given);
            let accuracy = Accuracy::of(&network.valid(), &tests, &device.clone().inner());
            accuracy.expect("points are in memory").top1
        };
        let mut curve = vec![accuracy(&network)];
        for epoch in 0..self.epochs() as u64 {
            let order = Order::Shuffled(seed ^ (epoch << 32));
            let trained = train_epoch(
                network.clone(),
                &self.objective,
                &Sharing::none(&device),
                batches(&train, BATCH, order).iter(&device),
                |network, grads| optimizer.step(lr, network, grads),
            );
            match trained {
                Ok((trained, _)) => network = trained,
                // Too high a learning rate is a result, too: the accuracy stays where it was.
                Err(_) => break,
            }
            curve.push(accuracy(&network));
        }
        let last = curve.last().copied().unwrap_or_default();
        curve.resize(self.epochs() + 1, last);
        Trained {
            initial: initial.valid(),
            network: network.valid(),
            curve,
        }
    }
}

/// Points are read faster than a thread starts.
fn batches(data: &Arc<dyn Samples>, size: usize, order: Order) -> Batches<'_> {
    Batches {
        data,
        size,
        order,
        workers: 1,
    }
}

/// The network of Figure 3. The device's random numbers are shared by all threads.
fn initial_network(num_classes: usize, seed: u64, device: &Device) -> Network {
    static RANDOM_NUMBERS: Mutex<()> = Mutex::new(());
    let _guard = RANDOM_NUMBERS
        .lock()
        .expect("drawing weights does not panic");
    device.seed(seed);
    let config = MlpConfig::new(vec![2, 32, 16, num_classes]);
    initialized(Network::Mlp(config.init(device)))
}
