//! Trains LeNet on MNIST by LFP in Burn's `Learner`, with its dashboard, metrics, checkpoints and schedulers.
//!
//! ```text
//! cargo run -p lfp-experiments --example learner --features learner [-- FOLDER_OF_MNIST [single|multi|ddp [WORKERS]]]
//! ```
//!
//! Only the training step differs from gradient descent: it returns feedback in place of gradients. With several workers,
//! Burn's strategies distribute the batches and sum the feedback: `multi` on the first device, `ddp` on all of them by a
//! collective operation, which Burn 0.22.1 has for CUDA alone. All workers share the default device here; with several GPUs,
//! name one for each in `strategy`.

use std::{path::PathBuf, sync::Arc};

use burn::{
    data::{
        dataloader::{DataLoader, DataLoaderBuilder},
        dataset::Dataset,
    },
    module::Module,
    nn::loss::CrossEntropyLossConfig,
    optim::{SgdConfig, momentum::MomentumConfig},
    tensor::{
        Device, ExecutionError, Tensor,
        distributed::{DistributedConfig, ReduceOperation},
    },
    train::{
        ClassificationOutput, ExecutionStrategy, InferenceStep, ItemLazy, Learner,
        MultiDeviceOptim, SupervisedTraining, TrainOutput, TrainStep,
        metric::{
            AccuracyInput, AccuracyMetric, Adaptor, LearningRateMetric, LossInput, LossMetric,
        },
    },
};
use lfp_burn::{
    Propagate,
    optim::{OneCycleConfig, clip_global_norm},
    reward::{Reward, SoftmaxReward},
    sparsity::{UpdatedShareInput, UpdatedShareMetric, updated_share},
};
use lfp_experiments::data::{Batch, DataSet, Reading, Sample, SampleBatcher, Samples};
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
        // The dashboard shows the loss; LFP does not use it.
        let loss = CrossEntropyLossConfig::new()
            .init(&logits.device())
            .forward(logits.clone().detach(), targets.clone());
        ClassificationOutput::new(loss, logits, targets)
    }
}

/// Output of a training step, for the metrics.
struct Trained {
    output: ClassificationOutput,
    updated: Tensor<1>,
}

impl ItemLazy for Trained {
    fn sync(self) -> Result<Self, ExecutionError> {
        Ok(Self {
            output: self.output.sync()?,
            updated: self.updated,
        })
    }
}

impl Adaptor<AccuracyInput> for Trained {
    fn adapt(&self) -> AccuracyInput {
        self.output.adapt()
    }
}

impl Adaptor<LossInput> for Trained {
    fn adapt(&self) -> LossInput {
        self.output.adapt()
    }
}

impl Adaptor<UpdatedShareInput> for Trained {
    fn adapt(&self) -> UpdatedShareInput {
        UpdatedShareInput {
            share: self.updated.clone(),
        }
    }
}

impl TrainStep for Classifier {
    type Input = Batch;
    type Output = Trained;

    fn step(&self, batch: Batch) -> TrainOutput<Trained> {
        let output = self.forward(batch);
        let logits = output.output.clone();
        let reward = SoftmaxReward::new().forward(logits.clone(), output.targets.clone());
        let grads = logits.propagate(reward).into_grads(self);
        let updated = updated_share(&grads, self).expect("the model has parameters");
        TrainOutput {
            grads: clip_global_norm(grads, self, 3.0),
            item: Trained { output, updated },
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

/// Burn's data loader, shuffled if there is a seed.
fn loader(
    samples: Arc<dyn Samples>,
    device: Device,
    shuffle: Option<u64>,
) -> Arc<dyn DataLoader<Batch>> {
    let shape = samples.shape();
    let dataset: Arc<dyn Dataset<Sample>> = samples;
    let loader = DataLoaderBuilder::new(SampleBatcher { shape })
        .batch_size(BATCH)
        .set_device(device);
    match shuffle {
        Some(seed) => loader.shuffle(seed).build(dataset),
        None => loader.build(dataset),
    }
}

/// Where the workers train. Feedback is a sum over samples, so it is summed over workers, too.
fn strategy(
    name: &str,
    workers: usize,
    device: &Device,
) -> Result<ExecutionStrategy, Box<dyn std::error::Error>> {
    let devices = || vec![device.clone(); workers];
    let config = DistributedConfig {
        all_reduce_op: ReduceOperation::Sum,
    };
    match name {
        "single" => Ok(ExecutionStrategy::single(device.clone())),
        "multi" => Ok(ExecutionStrategy::multi(
            devices(),
            MultiDeviceOptim::OptimMainDevice,
        )),
        "ddp" => Ok(ExecutionStrategy::ddp(devices(), config)),
        other => Err(format!("unknown strategy {other}: single, multi or ddp").into()),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let folder = arguments.next().map(PathBuf::from);
    let mut texts = arguments.map(|text| text.to_string_lossy().into_owned());
    let name = texts.next().unwrap_or_else(|| "single".to_owned());
    let workers = texts.next().map_or(Ok(2), |text| text.parse::<usize>())?;
    let data = DataSet::MNIST.load(folder.as_deref(), Reading::default())?;
    let device = Device::default().autodiff();
    let strategy = strategy(&name, workers, &device)?;
    let steps = EPOCHS * data.train.len().div_ceil(BATCH);
    let train = loader(data.train, device.clone(), Some(7240));
    let test = loader(data.test, device.clone().inner(), None);
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
        .metric_train_numeric(UpdatedShareMetric::default())
        .with_training_strategy(strategy.into())
        .with_default_checkpointers()
        .num_epochs(EPOCHS)
        .summary();
    let result = training.launch(learner);
    match result.error {
        Some(error) => Err(error.to_string().into()),
        None => Ok(()),
    }
}
