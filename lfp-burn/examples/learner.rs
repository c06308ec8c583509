//! LeNet on MNIST by LFP, inside Burn's `Learner`: its dashboard, metrics, checkpoints and schedulers.
//!
//! ```text
//! cargo run -p lfp-burn --example learner --features learner [FOLDER WITH MNIST]
//! ```
//!
//! A training step of one's own is all it takes: it returns the feedback where others return gradients.

use std::path::PathBuf;

use burn::{
    data::dataloader::DataLoaderBuilder,
    module::Module,
    nn::loss::CrossEntropyLossConfig,
    optim::{SgdConfig, momentum::MomentumConfig},
    tensor::Device,
    train::{
        ClassificationOutput, InferenceStep, Learner, SupervisedTraining, TrainOutput, TrainStep,
        metric::{AccuracyMetric, LearningRateMetric, LossMetric},
    },
};
use lfp_burn::{
    Propagate,
    optim::{OneCycleConfig, clip_global_norm},
    reward::{Reward, SoftmaxReward},
};
use lfp_experiments::data::{Batch, Images, Mnist, Sample, SampleBatcher, Samples};
use lfp_models::{LeNet, LeNetConfig};

const EPOCHS: usize = 3;
const BATCH: usize = 128;

#[derive(Module, Debug)]
struct Classifier {
    model: LeNet,
}

impl Classifier {
    fn forward(&self, batch: Batch) -> ClassificationOutput {
        let Batch { inputs, targets } = batch;
        let logits = self.model.forward(inputs);
        // For the dashboard alone: LFP needs no loss.
        let loss = CrossEntropyLossConfig::new()
            .init(&logits.device())
            .forward(logits.clone().detach(), targets.clone());
        ClassificationOutput::new(loss, logits, targets)
    }
}

impl TrainStep for Classifier {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> TrainOutput<ClassificationOutput> {
        let item = self.forward(batch);
        let logits = item.output.clone();
        let reward = SoftmaxReward::new().forward(logits.clone(), item.targets.clone());
        let grads = logits.propagate(reward).into_grads(self);
        TrainOutput {
            grads: clip_global_norm(grads, self, 3.0),
            item,
        }
    }
}

impl InferenceStep for Classifier {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> ClassificationOutput {
        self.forward(batch)
    }
}

/// Burn's loader.
fn loader(images: &Images, device: &Device) -> DataLoaderBuilder<Sample, Batch> {
    let shape = images.shape();
    DataLoaderBuilder::new(SampleBatcher { shape })
        .batch_size(BATCH)
        .set_device(device.clone())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let data = Mnist::load(folder.as_deref())?;
    let device = Device::default().autodiff();
    let train = loader(&data.train, &device).shuffle(7240);
    let train = train.build(data.train.clone());
    let test = loader(&data.test, &device.clone().inner()).build(data.test.clone());

    let steps = EPOCHS * data.train.count().div_ceil(BATCH);
    let momentum = MomentumConfig::new().with_dampening(0.0);
    let learner = Learner::new(
        Classifier {
            model: LeNetConfig::new().init(&device),
        },
        SgdConfig::new().with_momentum(Some(momentum)).init(),
        OneCycleConfig::new(0.05, steps).init()?,
    );
    let training = SupervisedTraining::new("runs/learner", train, test)
        .metrics((AccuracyMetric::new(), LossMetric::new()))
        .metric_train_numeric(LearningRateMetric::new())
        .with_default_checkpointers()
        .num_epochs(EPOCHS)
        .summary();
    let result = training.launch(learner);
    match result.error {
        Some(error) => Err(error.to_string().into()),
        None => Ok(()),
    }
}
