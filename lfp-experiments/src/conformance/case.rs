//! One case: reading, running, comparing.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
};

use burn::{
    optim::GradientsParams,
    tensor::{Device, Int, Tensor, TensorData},
};
use lfp_burn::{
    ConfigError, LfpConfig, LifDenominator, LifError, Propagate, PropagationError,
    RewardNormalization,
    reward::{
        CorrectReward, HalfTime, MisclassificationReward, Reward, SigmoidReward, SoftmaxReward,
        SpikeRateReward,
    },
};
use safetensors::{Dtype, SafeTensors};

use super::network::{Layer, Network, Output};

const FORMAT: &str = "lfp-conformance/1";

/// Why a case cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The file or folder cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The folder holds no case.
    #[error("{}: no .safetensors file in this folder", .0.display())]
    NoCases(PathBuf),
    /// The content is not a case.
    #[error("{path}: {reason}", path = path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: Malformed,
    },
}

/// What is wrong with a case.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// Not a safetensors file.
    #[error("not a safetensors file ({0})")]
    Container(safetensors::SafeTensorError),
    /// A key of the metadata is missing.
    #[error("the metadata has no \"{0}\"")]
    NoMetadata(&'static str),
    /// A value of the metadata makes no sense.
    #[error("metadata \"{key}\": expected {expected}, found \"{found}\"")]
    Metadata {
        /// Which key.
        key: &'static str,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// The list of layers is not what the format says.
    #[error("metadata \"layers\" is not a list of layers in JSON: {0}")]
    Layers(serde_json::Error),
    /// A tensor is missing.
    #[error("tensor \"{0}\" is missing")]
    NoTensor(String),
    /// A tensor has the wrong element type.
    #[error("tensor \"{name}\": expected elements of type {expected}, found {found:?}")]
    Dtype {
        /// Which tensor.
        name: String,
        /// The type it should have.
        expected: &'static str,
        /// The type it has.
        found: Dtype,
    },
    /// A tensor has the wrong shape.
    #[error("tensor \"{name}\": expected shape {expected}, found {found:?}")]
    Shape {
        /// Which tensor.
        name: String,
        /// The shape it should have.
        expected: String,
        /// The shape it has.
        found: Vec<usize>,
    },
    /// A layer that cannot follow those before it.
    #[error("layer {layer}: {reason}")]
    Layer {
        /// Which, by name or kind.
        layer: String,
        /// Why.
        reason: String,
    },
    /// A label that is no class.
    #[error("tensor \"labels\": expected classes from 0 to {last}, found {found}", last = classes - 1)]
    Label {
        /// The number of classes.
        classes: usize,
        /// The label.
        found: i64,
    },
    /// A stabiliser that is none.
    #[error(transparent)]
    Rule(#[from] ConfigError),
    /// A spiking neuron that is none.
    #[error(transparent)]
    Lif(#[from] LifError),
    /// The network has nothing to propagate to.
    #[error(transparent)]
    Propagation(#[from] PropagationError),
}

/// A tensor of a case.
#[derive(Clone, Debug)]
pub(super) struct Array {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

impl Array {
    /// `[batch, channels, height, width]`, where vectors have height and width 1, and steps, if there are any,
    /// are folded into the batch.
    fn images(&self, sample: &[usize], device: &Device) -> Tensor<4> {
        let batch = self.values.len() / sample.iter().product::<usize>().max(1);
        let mut shape = vec![batch];
        shape.extend(sample);
        shape.resize(4, 1);
        Tensor::from_data(TensorData::new(self.values.clone(), shape), device)
    }

    pub(super) fn tensor<const D: usize>(&self, device: &Device) -> Tensor<D> {
        let data = TensorData::new(self.values.clone(), self.shape.clone());
        Tensor::from_data(data, device)
    }
}

/// The float tensors of a case by name.
#[derive(Debug)]
pub(super) struct Arrays(HashMap<String, Array>);

impl Arrays {
    pub(super) fn get(&self, name: &str) -> Result<&Array, Malformed> {
        self.0
            .get(name)
            .ok_or_else(|| Malformed::NoTensor(name.to_owned()))
    }
}

/// A reference result and all that it takes to compute our own.
#[derive(Debug)]
pub struct Case {
    path: PathBuf,
    rule: LfpConfig,
    tolerance: f32,
    reward: RewardKind,
    /// Of a spiking network.
    time: Option<Time>,
    layers: Vec<Layer>,
    arrays: Arrays,
    labels: Vec<i64>,
}

/// How long a spiking network is watched.
#[derive(Clone, Copy, Debug)]
struct Time {
    steps: usize,
    /// Whether there is an input for every step.
    input_per_step: bool,
}

impl Time {
    fn of(metadata: &HashMap<String, String>) -> Result<Self, Malformed> {
        let steps = parsed(metadata, "steps", "a number of steps, at least 1", |text| {
            text.parse().ok().filter(|&steps| steps > 0)
        })?;
        let input_per_step = parsed(metadata, "input_per_step", "true or false", |text| {
            text.parse().ok()
        })?;
        Ok(Self {
            steps,
            input_per_step,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum RewardKind {
    Softmax,
    Sigmoid,
    Correct,
    Misclassified,
    SpikeRate,
}

/// The comparison of one tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The tensor, by its name in the case.
    pub tensor: String,
    /// The largest absolute difference divided by the largest absolute reference value.
    pub error: f32,
    /// The largest error that passes.
    pub tolerance: f32,
}

impl Row {
    /// Whether the tensor agrees with the reference.
    pub fn passed(&self) -> bool {
        self.error <= self.tolerance
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passed() { "ok" } else { "FAILED" };
        let Self {
            tensor,
            error,
            tolerance,
        } = self;
        write!(
            f,
            "{tensor:<24} {error:9.2e} of {tolerance:7.1e}  {verdict}"
        )
    }
}

impl Case {
    /// Reads a case.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is not of the format.
    pub fn load(path: &Path) -> Result<Self, CaseError> {
        let bytes = std::fs::read(path).map_err(|source| CaseError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &bytes).map_err(|reason| Self::malformed(path, reason))
    }

    /// The name of the case: that of its file.
    pub fn name(&self) -> String {
        let stem = self.path.file_stem().unwrap_or_default();
        stem.to_string_lossy().into_owned()
    }

    /// Runs the case on `device` and compares every tensor of the reference.
    ///
    /// # Errors
    ///
    /// If layers, parameters and input do not fit together.
    pub fn run(&self, device: &Device) -> Result<Vec<Row>, CaseError> {
        self.compare(&device.clone().autodiff())
            .map_err(|reason| Self::malformed(&self.path, reason))
    }

    fn malformed(path: &Path, reason: Malformed) -> CaseError {
        CaseError::Malformed {
            path: path.to_owned(),
            reason,
        }
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, Malformed> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(Malformed::Container)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let text = |key| text(&metadata, key);
        let number = |key| parsed(&metadata, key, "a number", |text| text.parse::<f64>().ok());
        if text("format")? != FORMAT {
            return Err(Malformed::Metadata {
                key: "format",
                expected: FORMAT,
                found: text("format")?.to_owned(),
            });
        }
        let file = SafeTensors::deserialize(bytes).map_err(Malformed::Container)?;
        let (arrays, labels) = read_tensors(&file)?;
        let layers: Vec<Layer> =
            serde_json::from_str(text("layers")?).map_err(Malformed::Layers)?;
        let spiking = layers
            .iter()
            .any(|layer| matches!(layer, Layer::Lif { .. }));
        let reward: RewardKind = text("reward")?.parse()?;
        if spiking != (reward == RewardKind::SpikeRate) {
            return Err(Malformed::Metadata {
                key: "reward",
                expected: "spike_rate for a spiking network, and for no other",
                found: text("reward")?.to_owned(),
            });
        }
        Ok(Self {
            path: path.to_owned(),
            rule: rule(number("epsilon")?)?,
            tolerance: number("tolerance")? as f32,
            reward,
            time: spiking.then(|| Time::of(&metadata)).transpose()?,
            layers,
            arrays,
            labels,
        })
    }

    fn compare(&self, device: &Device) -> Result<Vec<Row>, Malformed> {
        let input = self.arrays.get("input")?;
        let (batch, sample) = self.sample(&input.shape)?;
        let network = Network::build(&self.layers, &self.arrays, &sample, device)?;
        self.check_labels(batch, network.classes())?;
        let tensor = input.images(&sample, device).require_grad();
        let labels = Tensor::<1, Int>::from_data(self.labels.as_slice(), device);
        let steps = self.time.map_or(1, |time| time.steps);
        match network.forward(tensor.clone(), batch, steps) {
            Output::Logits(logits) => {
                let reward = self.reward(logits.clone(), labels);
                self.propagate(&network, &tensor, logits, reward)
            }
            Output::Spikes(spikes) => {
                // The package's variant, integer division included.
                let reward = SpikeRateReward::new().with_half(HalfTime::Floor);
                let reward = reward.forward(spikes.clone(), labels);
                self.propagate(&network, &tensor, spikes, reward)
            }
        }
    }

    /// The batch size, and the shape of one sample at one step.
    fn sample(&self, input: &[usize]) -> Result<(usize, Vec<usize>), Malformed> {
        let wrong = |expected: String| Malformed::Shape {
            name: "input".to_owned(),
            expected,
            found: input.to_vec(),
        };
        let rest = match self.time {
            Some(Time {
                steps,
                input_per_step: true,
            }) => match input.split_first() {
                Some((&found, rest)) if found == steps => rest,
                _ => return Err(wrong(format!("[{steps} steps, batch, ...]"))),
            },
            _ => input,
        };
        match *rest {
            [batch, features] => Ok((batch, vec![features])),
            [batch, channels, height, width] => Ok((batch, vec![channels, height, width])),
            _ => Err(wrong(
                "[batch, features] or [batch, channels, height, width], after the steps if there is an input for each"
                    .to_owned(),
            )),
        }
    }

    fn check_labels(&self, batch: usize, classes: usize) -> Result<(), Malformed> {
        if self.labels.len() != batch {
            return Err(Malformed::Shape {
                name: "labels".to_owned(),
                expected: format!("[{batch}]"),
                found: vec![self.labels.len()],
            });
        }
        match self
            .labels
            .iter()
            .find(|label| !(0..classes as i64).contains(label))
        {
            Some(&found) => Err(Malformed::Label { classes, found }),
            None => Ok(()),
        }
    }

    fn propagate<const D: usize>(
        &self,
        network: &Network,
        input: &Tensor<4>,
        output: Tensor<D>,
        reward: Tensor<D>,
    ) -> Result<Vec<Row>, Malformed> {
        let feedback = output.clone().try_propagate(reward.clone(), &self.rule)?;
        let input_reward = feedback.reward(input).unwrap_or_else(|| input.zeros_like());
        let shape = self.arrays.get("input")?.shape.clone();
        let input_reward = TensorData::new(values(&input_reward.into_data()), shape);
        let mut rows = vec![
            self.row("output", &output.into_data())?,
            self.row("reward", &reward.into_data())?,
            self.row("input_reward", &input_reward)?,
        ];
        let grads = feedback.into_grads(network);
        rows.extend(self.feedback_rows(network, &grads)?);
        Ok(rows)
    }

    fn reward(&self, output: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<2> {
        match self.reward {
            RewardKind::Softmax => SoftmaxReward::new().forward(output, labels),
            RewardKind::Sigmoid => SigmoidReward::new().forward(output, labels),
            RewardKind::Correct => CorrectReward::new().forward(output, labels),
            RewardKind::Misclassified => MisclassificationReward::new().forward(output, labels),
            RewardKind::SpikeRate => unreachable!("refused for a network without spikes"),
        }
    }

    fn feedback_rows(
        &self,
        network: &Network,
        grads: &GradientsParams,
    ) -> Result<Vec<Row>, Malformed> {
        network
            .feedback(grads)
            .into_iter()
            .map(|(name, data)| self.row(&format!("feedback/{name}"), &data))
            .collect()
    }

    fn row(&self, name: &str, ours: &TensorData) -> Result<Row, Malformed> {
        let reference = self.arrays.get(name)?;
        if reference.shape[..] != ours.shape()[..] {
            return Err(Malformed::Shape {
                name: name.to_owned(),
                expected: format!("{:?}", ours.shape()),
                found: reference.shape.clone(),
            });
        }
        let mut difference = 0f32;
        let mut largest = 0f32;
        for (ours, reference) in values(ours).into_iter().zip(&reference.values) {
            let distance = (ours - reference).abs();
            // `max` would hide a NaN.
            difference = if distance <= difference {
                difference
            } else {
                distance
            };
            largest = largest.max(reference.abs());
        }
        let error = if difference == 0.0 {
            0.0
        } else {
            difference / largest
        };
        Ok(Row {
            tensor: name.to_owned(),
            error,
            tolerance: self.tolerance,
        })
    }
}

impl std::str::FromStr for RewardKind {
    type Err = Malformed;

    fn from_str(name: &str) -> Result<Self, Malformed> {
        match name {
            "softmax" => Ok(Self::Softmax),
            "sigmoid" => Ok(Self::Sigmoid),
            "correct" => Ok(Self::Correct),
            "misclassified" => Ok(Self::Misclassified),
            "spike_rate" => Ok(Self::SpikeRate),
            _ => Err(Malformed::Metadata {
                key: "reward",
                expected: "softmax, sigmoid, correct, misclassified or spike_rate",
                found: name.to_owned(),
            }),
        }
    }
}

/// The package neither normalises rewards between spiking layers nor uses the paper's denominator.
fn rule(epsilon: f64) -> Result<LfpConfig, ConfigError> {
    let config = LfpConfig::new()
        .with_epsilon(epsilon)
        .with_lif_denominator(LifDenominator::SumOfMagnitudes)
        .with_reward_normalization(RewardNormalization::None);
    config.validate()?;
    Ok(config)
}

fn text<'a>(
    metadata: &'a HashMap<String, String>,
    key: &'static str,
) -> Result<&'a str, Malformed> {
    let text = metadata.get(key).map(String::as_str);
    text.ok_or(Malformed::NoMetadata(key))
}

/// The value of a key as `parse` reads it.
fn parsed<T>(
    metadata: &HashMap<String, String>,
    key: &'static str,
    expected: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, Malformed> {
    let found = text(metadata, key)?;
    parse(found).ok_or_else(|| Malformed::Metadata {
        key,
        expected,
        found: found.to_owned(),
    })
}

fn read_tensors(file: &SafeTensors<'_>) -> Result<(Arrays, Vec<i64>), Malformed> {
    let mut arrays = HashMap::new();
    let mut labels = None;
    for (name, view) in file.iter() {
        let name = name.to_owned();
        let wrong = |expected| Malformed::Dtype {
            name: name.clone(),
            expected,
            found: view.dtype(),
        };
        if name == "labels" {
            if view.dtype() != Dtype::I64 {
                return Err(wrong("int64"));
            }
            labels = Some(elements(view.data(), i64::from_le_bytes));
        } else {
            if view.dtype() != Dtype::F32 {
                return Err(wrong("float32"));
            }
            let array = Array {
                shape: view.shape().to_vec(),
                values: elements(view.data(), f32::from_le_bytes),
            };
            arrays.insert(name, array);
        }
    }
    let labels = labels.ok_or_else(|| Malformed::NoTensor("labels".to_owned()))?;
    Ok((Arrays(arrays), labels))
}

fn values(data: &TensorData) -> Vec<f32> {
    data.iter::<f32>().collect()
}

fn elements<E, const N: usize>(bytes: &[u8], read: fn([u8; N]) -> E) -> Vec<E> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks.iter().map(|&chunk| read(chunk)).collect()
}
