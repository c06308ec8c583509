//! Reading, running and comparing one case.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use burn::tensor::{Device, Int, Tensor, TensorData};
use lfp_burn::{
    LfpConfig, LifDenominator, Mark, Normalization, Propagate, PropagationError,
    reward::{
        CorrectReward, HalfTime, MisclassificationReward, Reward, SigmoidReward, SoftmaxReward,
        SpikeRateForm, SpikeRateReward,
    },
};
use safetensors::{Dtype, SafeTensors};

use super::{
    arrays::Arrays,
    builder::{ActivationPlacement, Settings, build},
    comparison::{MAX_TOLERANCE, Row, relative_error_with},
    description::{Description, Format, Statistics},
    error::{CaseError, Malformed},
    network::{Network, Output, Time},
};
use crate::files;

const FORMAT_1: &str = "lfp-conformance/1";
const FORMAT_2: &str = "lfp-conformance/2";

/// A reference result, and the network and data to reproduce it.
#[derive(Debug)]
pub struct Case {
    path: PathBuf,
    config: LfpConfig,
    tolerance: f32,
    format: Format,
    reward: RewardKind,
    /// `None` for a network without spikes.
    steps: Option<Steps>,
    layers: Vec<Description>,
    arrays: Arrays,
    labels: Vec<i64>,
}

/// The time steps of a spiking network.
#[derive(Clone, Copy, Debug)]
struct Steps {
    count: usize,
    /// Whether the input has a leading dimension of steps, instead of being the same at every step.
    input_per_step: bool,
}

impl Steps {
    fn parse(metadata: &HashMap<String, String>) -> Result<Self, Malformed> {
        let count = parsed(metadata, "steps", "a number of steps, at least 1", |text| {
            text.parse().ok().filter(|&steps| steps > 0)
        })?;
        let input_per_step = parsed(metadata, "input_per_step", "true or false", |text| {
            text.parse().ok()
        })?;
        Ok(Self {
            count,
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

impl Case {
    /// Reads a case.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, violates the format, or asks for a tolerance above [`MAX_TOLERANCE`].
    pub fn load(path: &Path) -> Result<Self, CaseError> {
        let bytes = files::read(path)?;
        Self::parse(path, &bytes).map_err(|reason| Self::malformed(path, reason))
    }

    /// The file name without its extension.
    pub fn name(&self) -> String {
        let stem = self.path.file_stem().unwrap_or_default();
        stem.to_string_lossy().into_owned()
    }

    /// Runs the case on `device` and compares every tensor of the reference. An activation that follows a layer directly is
    /// part of that layer, as in the models of `lfp-models`.
    ///
    /// # Errors
    ///
    /// If layers, parameters and input do not fit together.
    pub fn run(&self, device: &Device) -> Result<Vec<Row>, CaseError> {
        self.run_with(device, ActivationPlacement::InLayer)
    }

    /// [`run`](Self::run) with a choice between the two ways to write an activation.
    ///
    /// # Errors
    ///
    /// If layers, parameters and input do not fit together.
    pub fn run_with(
        &self,
        device: &Device,
        activations: ActivationPlacement,
    ) -> Result<Vec<Row>, CaseError> {
        self.compare(&device.clone().autodiff(), activations)
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
        let format = format(text("format")?)?;
        let file = SafeTensors::deserialize(bytes).map_err(Malformed::Container)?;
        let (arrays, labels) = Arrays::read(&file)?;
        let layers: serde_json::Value =
            serde_json::from_str(text("layers")?).map_err(Malformed::Layers)?;
        if let Some(layer) = Description::foreign(&layers, format) {
            let reason = format!("no part of {}", text("format")?);
            return Err(Malformed::layer(layer, reason));
        }
        let layers: Vec<Description> = serde_json::from_value(layers).map_err(Malformed::Layers)?;
        let spiking = layers
            .iter()
            .any(|layer| matches!(layer, Description::Lif(_)));
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
            config: match format {
                Format::One => config(number("epsilon")?)?,
                Format::Two => transformer_config(&layers, number)?,
            },
            tolerance: tolerance(number("tolerance")?)?,
            reward,
            format,
            steps: spiking.then(|| Steps::parse(&metadata)).transpose()?,
            layers,
            arrays,
            labels,
        })
    }

    fn compare(
        &self,
        device: &Device,
        activations: ActivationPlacement,
    ) -> Result<Vec<Row>, Malformed> {
        let (batch, sample) = self.sample(self.input_shape()?)?;
        let time = Time {
            batch,
            steps: self.steps.map_or(1, |steps| steps.count),
            input_per_step: self.steps.is_some_and(|steps| steps.input_per_step),
        };
        let settings = Settings {
            time,
            norm_rule: self.config.layer_norm,
            activations,
        };
        let network = build(&self.layers, &self.arrays, &sample, settings, device)?;
        self.check_labels(batch, network.classes())?;
        self.check_feedback(&network)?;
        let (tensor, arrived) = self.start(&network, &sample, device)?;
        let labels = Tensor::<1, Int>::from_data(self.labels.as_slice(), device);
        match network.forward(tensor) {
            Output::Logits(logits) => {
                let reward = self.reward(logits.clone(), labels);
                self.propagate(&network, &arrived, logits, reward)
            }
            Output::Spikes(spikes) => {
                let reward = SpikeRateReward::new()
                    .with_form(SpikeRateForm::AtSpikes)
                    // The package computes half the steps by an integer division.
                    .with_half(HalfTime::Floor);
                let reward = reward.forward(spikes.clone(), labels);
                self.propagate(&network, &arrived, spikes, reward)
            }
        }
    }

    fn input_shape(&self) -> Result<&[usize], Malformed> {
        match self.arrays.ids() {
            Some(ids) if self.format == Format::Two => Ok(&ids.shape),
            Some(_) => Err(Malformed::Dtype {
                name: "input".to_owned(),
                expected: "float32",
                found: Dtype::I64,
            }),
            None => Ok(&self.arrays.get("input")?.shape),
        }
    }

    /// What enters the network's layers, and where its reward arrives: the input, or the looked-up rows of token ids.
    fn start(
        &self,
        network: &Network,
        sample: &[usize],
        device: &Device,
    ) -> Result<(Tensor<4>, Arrived), Malformed> {
        let embedded = match self.arrays.ids() {
            Some(ids) => {
                let data = TensorData::new(ids.values.clone(), ids.shape.clone());
                network.embed(Tensor::from_data(data, device))?
            }
            None => None,
        };
        Ok(match embedded {
            Some((rows, mark)) => (rows, Arrived::Rows(mark)),
            None => {
                let images = self.arrays.get("input")?.images(sample, device);
                let tensor = images.require_grad();
                (tensor.clone(), Arrived::Input(tensor))
            }
        })
    }

    /// The batch size, and the shape of one sample at one step.
    fn sample(&self, input: &[usize]) -> Result<(usize, Vec<usize>), Malformed> {
        let wrong = |expected: &str| Malformed::shape("input", expected, input);
        let rest = match self.steps {
            Some(Steps {
                count,
                input_per_step: true,
            }) => match input.split_first() {
                Some((&found, rest)) if found == count => rest,
                _ => return Err(wrong(&format!("[{count} steps, batch, ...]"))),
            },
            _ => input,
        };
        match *rest {
            // An empty input would compare nothing, and pass.
            _ if rest.contains(&0) => Err(wrong("no dimension of 0")),
            [batch, features] => Ok((batch, vec![features])),
            [batch, channels, height, width] => Ok((batch, vec![channels, height, width])),
            [batch, tokens, width] if self.format == Format::Two => {
                Ok((batch, vec![tokens, width]))
            }
            _ => Err(wrong(match self.format {
                Format::One => {
                    "[batch, features] or [batch, channels, height, width], after the steps if there is an input for each"
                }
                Format::Two => {
                    "[batch, features], [batch, tokens, width] or [batch, channels, height, width]"
                }
            })),
        }
    }

    fn check_labels(&self, batch: usize, classes: usize) -> Result<(), Malformed> {
        if self.labels.len() != batch {
            let expected = format!("[{batch}]");
            return Err(Malformed::shape("labels", expected, &[self.labels.len()]));
        }
        let in_range = |label: &&i64| (0..classes as i64).contains(*label);
        match self.labels.iter().find(|label| !in_range(label)) {
            Some(&found) => Err(Malformed::Label { classes, found }),
            None => Ok(()),
        }
    }

    /// Refuses a reference feedback that nothing would be compared with.
    fn check_feedback(&self, network: &Network) -> Result<(), Malformed> {
        let unused = self.arrays.names().find(|name| {
            let parameter = name.strip_prefix("feedback/");
            parameter.is_some_and(|name| !network.has_parameter(name))
        });
        match unused {
            Some(name) => Err(Malformed::UnusedFeedback(name.to_owned())),
            None => Ok(()),
        }
    }

    fn propagate<const D: usize>(
        &self,
        network: &Network,
        arrived: &Arrived,
        output: Tensor<D>,
        reward: Tensor<D>,
    ) -> Result<Vec<Row>, Malformed> {
        let feedback = output.clone().try_propagate(reward.clone(), &self.config)?;
        let input_reward = match arrived {
            Arrived::Input(input) => {
                let reward = feedback.reward(input);
                let reward = reward.unwrap_or_else(|| input.clone().inner().zeros_like());
                TensorData::new(values(&reward.into_data()), self.input_shape()?.to_vec())
            }
            Arrived::Rows(mark) => match feedback.reward_at(mark) {
                Some(reward) => reward.into_data(),
                None => return Err(Malformed::Propagation(PropagationError::Untracked)),
            },
        };
        let mut rows = vec![
            self.row("output", &output.into_data(), None)?,
            self.row("reward", &reward.into_data(), None)?,
            self.row("input_reward", &input_reward, None)?,
        ];
        for (parameter, data) in network.feedback(&feedback.into_grads(network)) {
            let other = parameter.compared_with.as_deref();
            rows.push(self.row(&format!("feedback/{}", parameter.name), &data, other)?);
        }
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

    /// `other` is a parameter whose reference feedback limits the error as well.
    fn row(&self, name: &str, found: &TensorData, other: Option<&str>) -> Result<Row, Malformed> {
        let reference = self.arrays.get(name)?;
        let other = match other {
            Some(other) => &self.arrays.get(&format!("feedback/{other}"))?.values[..],
            None => &[],
        };
        if reference.shape[..] != found.shape()[..] {
            let expected = format!("{:?}", found.shape());
            return Err(Malformed::shape(name, expected, &reference.shape));
        }
        Ok(Row {
            tensor: name.to_owned(),
            error: relative_error_with(&values(found), &reference.values, other),
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

/// Where the reward of the input arrives.
#[allow(clippy::large_enum_variant, reason = "there is one for a case")]
enum Arrived {
    Input(Tensor<4>),
    /// The looked-up rows of token ids.
    Rows(Mark<3>),
}

fn format(found: &str) -> Result<Format, Malformed> {
    match found {
        FORMAT_1 => Ok(Format::One),
        FORMAT_2 => Ok(Format::Two),
        _ => Err(Malformed::Metadata {
            key: "format",
            expected: "lfp-conformance/1 or lfp-conformance/2",
            found: found.to_owned(),
        }),
    }
}

/// The settings of a case of format 2.
fn transformer_config(
    layers: &[Description],
    number: impl Fn(&'static str) -> Result<f64, Malformed>,
) -> Result<LfpConfig, Malformed> {
    let statistics = Description::first_statistics(layers);
    let rule = statistics.map_or(LfpConfig::new().layer_norm, Statistics::rule);
    let config = LfpConfig::new()
        .with_epsilon(number("epsilon")?)
        .with_sum_epsilon(Some(number("sum_epsilon")?))
        .with_product_epsilon(number("matmul_epsilon")?)
        .with_embedding_epsilon(Some(number("embedding_epsilon")?))
        .with_layer_norm(rule);
    config.validate()?;
    Ok(config)
}

/// The settings of the package: it neither normalises rewards between spiking layers nor uses the paper's denominator.
fn config(epsilon: f64) -> Result<LfpConfig, Malformed> {
    let config = LfpConfig::new()
        .with_epsilon(epsilon)
        .with_lif_denominator(LifDenominator::SumOfMagnitudes)
        .with_reward_normalization(Normalization::None);
    config.validate()?;
    Ok(config)
}

/// A tolerance from 0 to [`MAX_TOLERANCE`]; NaN is outside the range.
fn tolerance(found: f64) -> Result<f32, Malformed> {
    match (0.0..=MAX_TOLERANCE).contains(&found) {
        true => Ok(found as f32),
        false => Err(Malformed::Tolerance(found)),
    }
}

fn text<'a>(
    metadata: &'a HashMap<String, String>,
    key: &'static str,
) -> Result<&'a str, Malformed> {
    let text = metadata.get(key).map(String::as_str);
    text.ok_or(Malformed::NoMetadata(key))
}

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

fn values(data: &TensorData) -> Vec<f32> {
    data.iter::<f32>().collect()
}
