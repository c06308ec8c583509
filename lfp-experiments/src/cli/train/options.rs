//! The options of `train`.

use std::path::PathBuf;

use clap::Args;
use lfp_burn::{
    ActivationFn, Normalization, Surrogate, quantize::LatentRule, reward::SpikeRateForm,
};
use lfp_models::{Difference, Model};
use strum::VariantNames;

use crate::{
    cli::values,
    data::DataSet,
    device::DeviceName,
    limits,
    objective::{Method, RewardKind},
    train::{Optimizer, Schedule},
};

#[derive(Debug, Args)]
#[command(next_help_heading = "Model")]
pub(super) struct ModelArgs {
    /// Network [default: lenet]
    #[arg(long, value_parser = values::model())]
    pub(super) model: Option<Model>,
    /// Hidden activation, such as relu, elu or leaky_relu:0.2 [default: relu]
    #[arg(long)]
    pub(super) activation: Option<ActivationFn>,
    /// Apply the activation to the outputs, too (Figure A.1)
    #[arg(long)]
    pub(super) output_activation: bool,
    /// Dropout probability [default: the network's own]
    #[arg(long, value_parser = values::below_one)]
    pub(super) dropout: Option<f64>,
    /// Bits of each weight in the forward pass [default: not quantised]
    ///
    /// Training moves the latent weights behind the quantised ones, and the files of the run hold them.
    #[arg(long, value_name = "BITS", value_parser = values::whole(limits::WEIGHT_BITS))]
    pub(super) weight_bits: Option<usize>,
    /// How rewards pass from a quantised weight to the latent one [default: conserve]
    #[arg(long, value_parser = values::one_of::<LatentRule>(LatentRule::VARIANTS))]
    pub(super) latent_rule: Option<LatentRule>,
    /// Weights to start from: a file of torch.save or of safetensors
    ///
    /// If the file has another number of classes, the last layer is drawn.
    #[arg(long, value_name = "FILE", value_parser = values::recorded_path())]
    pub(super) pretrained: Option<PathBuf>,
    /// Differences between that file and the network to allow
    ///
    /// head: another last layer, the network's is drawn. unused: tensors that the network does not have. missing, shapes:
    /// tensors that the file does not have, or in another shape; they are drawn.
    #[arg(long, value_name = "DIFFERENCES", value_delimiter = ',', requires = "pretrained",
          value_parser = values::one_of::<Difference>(Difference::VARIANTS))]
    pub(super) pretrained_allow: Vec<Difference>,
    /// Part of that file to load, if it holds several sets of weights: state_dict, ema, ...
    #[arg(long, value_name = "PART", requires = "pretrained")]
    pub(super) pretrained_part: Option<String>,
    /// Parts that do not learn: a regular expression for paths of parameters or modules
    ///
    /// It matches whole paths: 'encoder.layers.[0-5]' freezes six layers, not encoder.layers.10. Frozen parts have no
    /// dropout, and their batch normalisation uses its running statistics.
    #[arg(long, value_name = "PATTERN")]
    pub(super) freeze: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Data")]
pub(super) struct DataArgs {
    /// Data set [default: mnist]
    #[arg(long, value_parser = values::data_set())]
    pub(super) dataset: Option<DataSet>,
    /// Folder of the data set; without it MNIST is downloaded into a cache
    #[arg(long, value_name = "FOLDER", value_parser = values::recorded_path())]
    pub(super) data_dir: Option<PathBuf>,
    /// Expected number of classes; other data are refused
    #[arg(long, value_parser = values::whole(limits::CLASSES))]
    pub(super) classes: Option<usize>,
    /// Height and width to which photographs are resized [default: 224]
    #[arg(long, value_parser = values::whole(limits::IMAGE_SIZE))]
    pub(super) image_size: Option<usize>,
    /// Keep decoded and resized photographs in memory
    #[arg(long)]
    pub(super) cache: bool,
    /// Threads that read samples; the result does not depend on it [default: number of cores]
    #[arg(long, value_parser = values::whole(limits::WORKERS))]
    pub(super) workers: Option<usize>,
    /// Weight samples by the inverse frequency of their class
    #[arg(long)]
    pub(super) class_weights: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Optimisation")]
pub(super) struct OptimisationArgs {
    /// Training method [default: lfp]
    #[arg(long, value_enum)]
    pub(super) method: Option<Method>,
    /// Initial reward of logits (Table 2) [default: softmax]
    #[arg(long, value_enum)]
    pub(super) reward: Option<RewardKind>,
    /// Number of epochs [default: 3]
    #[arg(long, value_parser = values::whole(limits::EPOCHS))]
    pub(super) epochs: Option<usize>,
    /// Samples per step; all data if there are fewer [default: 128]
    #[arg(long, value_parser = values::whole(limits::BATCH))]
    pub(super) batch: Option<usize>,
    /// Learning rate, the largest one of onecycle and cosine [default: by network, method and optimiser]
    ///
    /// By SGD 0.05; VGG and ResNet 0.1; spiking networks 0.07 by lfp, 0.5 by gradient. By Adam and AdamW 0.001; vit-tiny 0.005
    /// by lfp, 0.002 by gradient; vit-b 0.0001. By RMSprop and AdaGrad 0.01.
    #[arg(long, value_parser = values::positive)]
    pub(super) lr: Option<f64>,
    /// Learning-rate schedule [default: onecycle]
    #[arg(long, value_enum)]
    pub(super) schedule: Option<Schedule>,
    /// Share of the steps in which the learning rate of --schedule cosine rises [default: 0.1]
    #[arg(long, value_parser = values::below_one)]
    pub(super) warmup: Option<f64>,
    /// Optimiser [default: sgd; Vision Transformers adamw]
    #[arg(long, value_enum)]
    pub(super) optimizer: Option<Optimizer>,
    /// Constant momentum [default: 0.9; VGG, ResNet and vit-b by sgd cycle]
    #[arg(long, value_parser = values::below_one)]
    pub(super) momentum: Option<f64>,
    /// Momentum of onecycle at the largest and the lowest learning rate [default for VGG, ResNet and vit-b by sgd: 0.85 0.95]
    #[arg(long, num_args = 2, value_names = ["BASE", "MAX"], value_parser = values::below_one, conflicts_with = "momentum")]
    pub(super) cycle_momentum: Option<Vec<f64>>,
    /// Average the updates in the velocity of SGD (Eq. 5) instead of summing them
    ///
    /// The velocity is momentum * v + (1 - momentum) * d instead of momentum * v + d. The same steps then need a learning
    /// rate that is 1 / (1 - momentum) times as large.
    #[arg(long)]
    pub(super) dampening: bool,
    /// Largest global norm of an update, 0 for no limit [default: 3; spiking networks by lfp 0]
    #[arg(long, value_parser = values::not_negative)]
    pub(super) clip: Option<f64>,
    /// Largest update of a unit relative to its weights, 0 for no limit [default: 0; spiking networks by lfp 0.06]
    #[arg(long, value_parser = values::not_negative)]
    pub(super) adaptive_clip: Option<f64>,
    /// L2 penalty [default: 0]
    #[arg(long, value_parser = values::not_negative)]
    pub(super) weight_decay: Option<f64>,
    /// Micro-batches per step, for less memory; batch normalisation and spiking layers see one at a time [default: 1]
    #[arg(long, value_parser = values::whole(limits::BATCH))]
    pub(super) accumulate: Option<usize>,
    /// Recompute cheap activations in the backward pass instead of keeping them
    #[arg(long)]
    pub(super) checkpointing: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Spiking")]
pub(super) struct SpikingArgs {
    /// Time steps per image [default: 15]
    #[arg(long, value_parser = values::whole(limits::TIME_STEPS))]
    pub(super) steps: Option<usize>,
    /// Decay of the membrane potential per step [default: 0.9]
    #[arg(long, value_parser = values::from_zero_to_one)]
    pub(super) beta: Option<f64>,
    /// Firing threshold [default: 1]
    #[arg(long, value_parser = values::positive)]
    pub(super) threshold: Option<f64>,
    /// Surrogate derivative of a spike for --method gradient: fast-sigmoid[:SLOPE] or none [default: fast-sigmoid]
    #[arg(long)]
    pub(super) surrogate: Option<Surrogate>,
    /// How the surrogate gradient is normalised between layers [default: none]
    #[arg(long, value_parser = values::one_of::<Normalization>(Normalization::VARIANTS))]
    pub(super) gradient_normalization: Option<Normalization>,
    /// Steps at which classes other than the true one are punished [default: every-step, as Eq. A.4]
    #[arg(long, value_parser = values::one_of::<SpikeRateForm>(SpikeRateForm::VARIANTS))]
    pub(super) spike_reward: Option<SpikeRateForm>,
    /// Put a dense layer of 1024 neurons before the output layer of snn-lenet
    #[arg(long)]
    pub(super) hidden_layer: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Run")]
pub(super) struct RunArgs {
    /// Seed of generated data, initial weights, order of the samples, augmentation and dropout [default: 7240]
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Device: auto, flex, ndarray, cuda, cuda:N, rocm, wgpu, vulkan, metal, webgpu, cpu, tch or remote:HOST:PORT [default: auto]
    #[arg(long)]
    pub(super) device: Option<DeviceName>,
    /// Several devices that share every batch, separated by commas
    #[arg(long, value_delimiter = ',', conflicts_with = "device")]
    pub(super) devices: Vec<DeviceName>,
    /// Folder of the run [default: runs/MODEL-DATASET-METHOD-SEED]
    #[arg(long, value_name = "FOLDER")]
    pub(super) out: Option<PathBuf>,
    /// Resume the run in that folder. No other option is needed: those that are given must be those of the run
    #[arg(long)]
    pub(super) resume: bool,
}
