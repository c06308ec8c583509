//! Reading, running and comparing one case.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use burn::tensor::{Device, Int, Tensor, TensorData};
use lfp_burn::{
    LfpConfig, LifDenominator, Normalization, Propagate,
    reward::{
        CorrectReward, HalfTime, MisclassificationReward, Reward, SigmoidReward, SoftmaxReward,
        SpikeRateForm, SpikeRateReward,
    },
};
use safetensors::SafeTensors;

use super::{
    arrays::Arrays,
    builder::{ActivationPlacement, build},
    comparison::{MAX_TOLERANCE, Row, relative_error},
    description::Description,
    error::{CaseError, Malformed},
    network::{Network, Output, Time},
};

const FORMAT: &str = "lfp-conformance/1";

/// A reference result, and the network and data to reproduce it.
#[derive(Debug)]
pub struct Case {
    path: PathBuf,
    config: LfpConfig,
    tolerance: f32,
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
        let bytes = std::fs::read(path).map_err(|source| CaseError::Read {
            path: path.to_owned(),
            source,
        })?;
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
        if text("format")? != FORMAT {
            return Err(Malformed::Metadata {
                key: "format",
                expected: FORMAT,
                found: text("format")?.to_owned(),
            });
        }
        let file = SafeTensors::deserialize(bytes).map_err(Malformed::Container)?;
        let (arrays, labels) = Arrays::read(&file)?;
        let layers: Vec<Description> =
            serde_json::from_str(text("layers")?).map_err(Malformed::Layers)?;
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
            config: config(number("epsilon")?)?,
            tolerance: tolerance(number("tolerance")?)?,
            reward,
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
        let input = self.arrays.get("input")?;
        let (batch, sample) = self.sample(&input.shape)?;
        let time = Time {
            batch,
            steps: self.steps.map_or(1, |steps| steps.count),
            input_per_step: self.steps.is_some_and(|steps| steps.input_per_step),
        };
        let network = build(
            &self.layers,
            &self.arrays,
            &sample,
            time,
            activations,
            device,
        )?;
        self.check_labels(batch, network.classes())?;
        self.check_feedback(&network)?;
        let tensor = input.images(&sample, device).require_grad();
        let labels = Tensor::<1, Int>::from_data(self.labels.as_slice(), device);
        match network.forward(tensor.clone()) {
            Output::Logits(logits) => {
                let reward = self.reward(logits.clone(), labels);
                self.propagate(&network, &tensor, logits, reward)
            }
            Output::Spikes(spikes) => {
                let reward = SpikeRateReward::new()
                    .with_form(SpikeRateForm::AtSpikes)
                    // The package computes half the steps by an integer division.
                    .with_half(HalfTime::Floor);
                let reward = reward.forward(spikes.clone(), labels);
                self.propagate(&network, &tensor, spikes, reward)
            }
        }
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
            _ => Err(wrong(
                "[batch, features] or [batch, channels, height, width], after the steps if there is an input for each",
            )),
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
        input: &Tensor<4>,
        output: Tensor<D>,
        reward: Tensor<D>,
    ) -> Result<Vec<Row>, Malformed> {
        let feedback = output.clone().try_propagate(reward.clone(), &self.config)?;
        let input_reward = feedback.reward(input).unwrap_or_else(|| input.zeros_like());
        let shape = self.arrays.get("input")?.shape.clone();
        let input_reward = TensorData::new(values(&input_reward.into_data()), shape);
        let mut rows = vec![
            self.row("output", &output.into_data())?,
            self.row("reward", &reward.into_data())?,
            self.row("input_reward", &input_reward)?,
        ];
        for (name, data) in network.feedback(&feedback.into_grads(network)) {
            rows.push(self.row(&format!("feedback/{name}"), &data)?);
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

    fn row(&self, name: &str, found: &TensorData) -> Result<Row, Malformed> {
        let reference = self.arrays.get(name)?;
        if reference.shape[..] != found.shape()[..] {
            let expected = format!("{:?}", found.shape());
            return Err(Malformed::shape(name, expected, &reference.shape));
        }
        Ok(Row {
            tensor: name.to_owned(),
            error: relative_error(&values(found), &reference.values),
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
