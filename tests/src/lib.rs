//! Reference implementation of layer-wise feedback propagation (LFP): the equations of the paper in rewards, on plain arrays, in
//! f64.
//!
//! It shares no code and no method with the crates that are tested against it: no autodiff tape, no quotients, no tensors. A
//! network is a list of [`Layer`]s over flat vectors, and a layer lists its connections one by one.

mod spiking;

pub use spiking::{Sent, SpikingDense, Trace};

use rand::{RngExt, SeedableRng, rngs::StdRng};

/// The stabiliser of Eq. 6; the sign of zero is 1.
pub fn stabilized(z: f64, epsilon: f64) -> f64 {
    if z < 0.0 { z - epsilon } else { z + epsilon }
}

/// A connection from an input to an output. Several connections may share a weight.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// Index of the input neuron.
    pub from: usize,
    /// Index of the output neuron.
    pub to: usize,
    /// Index of the weight.
    pub weight: usize,
}

/// Weighted sums (Eq. 1): dense layers, convolutions, and average pooling.
#[derive(Clone, Debug)]
pub struct WeightedSum {
    /// Number of outputs.
    pub outputs: usize,
    /// All connections.
    pub connections: Vec<Connection>,
    /// The weights, by [`Connection::weight`].
    pub weights: Vec<f64>,
    /// The index of each output's bias; empty for a layer without biases.
    pub bias_of: Vec<usize>,
    /// The biases.
    pub biases: Vec<f64>,
}

/// A layer.
#[derive(Clone, Debug)]
pub enum Layer {
    /// Weighted sums.
    Sum(WeightedSum),
    /// An elementwise activation; rewards pass it unchanged.
    Activation(fn(f64) -> f64),
    /// An elementwise activation whose rewards change their sign where input and output differ in sign (footnote 12).
    NegatingActivation(fn(f64) -> f64),
    /// Max pooling over windows of input indices. The first maximum wins a tie.
    Max(Vec<Vec<usize>>),
    /// Batch normalisation by batch statistics (Eqs. 9 and 10).
    BatchNorm {
        /// The channel of each neuron.
        channel_of: Vec<usize>,
        /// Scales by channel.
        gamma: Vec<f64>,
        /// Shifts by channel.
        beta: Vec<f64>,
        /// Added to the variance.
        epsilon: f64,
    },
    /// The sum of two branches (Eq. 11). A branch without layers is the identity.
    Residual {
        /// The first branch.
        body: Vec<Layer>,
        /// The second branch.
        shortcut: Vec<Layer>,
    },
}

/// The result of a propagation.
#[derive(Clone, Debug, Default)]
pub struct Propagated {
    /// Rewards of the inputs, `[sample][input]`.
    pub rewards: Vec<Vec<f64>>,
    /// The feedback `d` (Eq. 7), summed over samples: weights (or gamma) and biases (or beta) of each layer that has any, in
    /// the order of the layers. The body of a residual comes before its shortcut.
    pub feedback: Vec<(Vec<f64>, Vec<f64>)>,
}

/// The outputs of a network, `[sample][output]`.
pub fn forward(layers: &[Layer], inputs: &[Vec<f64>]) -> Vec<Vec<f64>> {
    layers
        .iter()
        .fold(inputs.to_vec(), |inputs, layer| layer.forward(&inputs))
}

/// Propagates rewards from the outputs to the inputs.
///
/// `inputs` and `rewards` are `[sample][neuron]`; `epsilon` is the stabiliser.
pub fn propagate(
    layers: &[Layer],
    inputs: &[Vec<f64>],
    rewards: Vec<Vec<f64>>,
    epsilon: f64,
) -> Propagated {
    let mut activations = vec![inputs.to_vec()];
    for layer in layers {
        activations.push(layer.forward(&activations[activations.len() - 1]));
    }
    let mut feedback = Vec::new();
    let mut rewards = rewards;
    for (layer, inputs) in layers.iter().zip(&activations).rev() {
        let step = layer.propagate(inputs, rewards, epsilon);
        rewards = step.rewards;
        feedback.splice(0..0, step.feedback);
    }
    Propagated { rewards, feedback }
}

impl Layer {
    fn forward(&self, inputs: &[Vec<f64>]) -> Vec<Vec<f64>> {
        match self {
            Self::Sum(sum) => inputs.iter().map(|a| sum.forward(a)).collect(),
            Self::Activation(phi) | Self::NegatingActivation(phi) => inputs
                .iter()
                .map(|z| z.iter().map(|&z| phi(z)).collect())
                .collect(),
            Self::Max(windows) => inputs
                .iter()
                .map(|a| windows.iter().map(|window| a[largest(a, window)]).collect())
                .collect(),
            Self::BatchNorm {
                channel_of,
                gamma,
                beta,
                epsilon,
            } => {
                let statistics = statistics(inputs, channel_of, gamma.len(), *epsilon);
                let normalise = |(&x, &channel): (&f64, &usize)| {
                    let (mean, std) = statistics[channel];
                    gamma[channel] * (x - mean) / std + beta[channel]
                };
                let one = |a: &Vec<f64>| a.iter().zip(channel_of).map(normalise).collect();
                inputs.iter().map(one).collect()
            }
            Self::Residual { body, shortcut } => {
                let sum =
                    |(x, y): (&Vec<f64>, &Vec<f64>)| x.iter().zip(y).map(|(x, y)| x + y).collect();
                let (body, shortcut) = (forward(body, inputs), forward(shortcut, inputs));
                body.iter().zip(&shortcut).map(sum).collect()
            }
        }
    }

    fn propagate(&self, inputs: &[Vec<f64>], rewards: Vec<Vec<f64>>, epsilon: f64) -> Propagated {
        match self {
            Self::Sum(sum) => sum.propagate(inputs, &rewards, epsilon),
            Self::Activation(_) => Propagated {
                rewards,
                feedback: Vec::new(),
            },
            Self::NegatingActivation(phi) => {
                let pre_activation = |(&z, r): (&f64, f64)| if z * phi(z) < 0.0 { -r } else { r };
                let below = |(z, r): (&Vec<f64>, Vec<f64>)| {
                    let pairs = z.iter().zip(r);
                    pairs.map(pre_activation).collect()
                };
                Propagated {
                    rewards: inputs.iter().zip(rewards).map(below).collect(),
                    feedback: Vec::new(),
                }
            }
            Self::Max(windows) => {
                let hand_on = |(a, r): (&Vec<f64>, &Vec<f64>)| {
                    let mut below = vec![0.0; a.len()];
                    for (window, r) in windows.iter().zip(r) {
                        below[largest(a, window)] += r;
                    }
                    below
                };
                Propagated {
                    rewards: inputs.iter().zip(&rewards).map(hand_on).collect(),
                    feedback: Vec::new(),
                }
            }
            Self::BatchNorm { .. } => self.propagate_batch_norm(inputs, &rewards, epsilon),
            Self::Residual { body, shortcut } => {
                let outputs = self.forward(inputs);
                let into = |branch: &[Layer]| {
                    // Eq. 6: each output has two connections of weight 1.
                    let branch_outputs = forward(branch, inputs);
                    let mut into_branch = rewards.clone();
                    for sample in 0..inputs.len() {
                        for j in 0..outputs[sample].len() {
                            let share = 1.0 / stabilized(outputs[sample][j], epsilon);
                            into_branch[sample][j] *= branch_outputs[sample][j] * share;
                        }
                    }
                    propagate(branch, inputs, into_branch, epsilon)
                };
                let mut result = into(body);
                let other = into(shortcut);
                for (below, other) in result.rewards.iter_mut().zip(other.rewards) {
                    below
                        .iter_mut()
                        .zip(other)
                        .for_each(|(r, other)| *r += other);
                }
                result.feedback.extend(other.feedback);
                result
            }
        }
    }

    fn propagate_batch_norm(
        &self,
        inputs: &[Vec<f64>],
        rewards: &[Vec<f64>],
        epsilon: f64,
    ) -> Propagated {
        let Self::BatchNorm {
            channel_of,
            gamma,
            beta,
            epsilon: variance_epsilon,
        } = self
        else {
            unreachable!("called for batch normalisation only");
        };
        let outputs = self.forward(inputs);
        let statistics = statistics(inputs, channel_of, gamma.len(), *variance_epsilon);
        let mut below = rewards.to_vec();
        let mut of_gamma = vec![0.0; gamma.len()];
        let mut of_beta = vec![0.0; gamma.len()];
        for sample in 0..inputs.len() {
            for (j, &channel) in channel_of.iter().enumerate() {
                let (mean, std) = statistics[channel];
                let x = inputs[sample][j];
                let r = rewards[sample][j];
                let output = stabilized(outputs[sample][j], epsilon);
                // Eq. 9: the statistics are constants, so the weight of x is gamma / sigma.
                below[sample][j] = x * gamma[channel] / std / output * r;
                // Eq. 10.
                let normalised = (x - mean) / std;
                of_gamma[channel] += gamma[channel].abs() * normalised / output * r;
                of_beta[channel] += beta[channel].abs() / output * r;
            }
        }
        Propagated {
            rewards: below,
            feedback: vec![(of_gamma, of_beta)],
        }
    }
}

impl WeightedSum {
    fn forward(&self, a: &[f64]) -> Vec<f64> {
        let mut z = vec![0.0; self.outputs];
        for (z, &bias) in z.iter_mut().zip(&self.bias_of) {
            *z = self.biases[bias];
        }
        for connection in &self.connections {
            z[connection.to] += a[connection.from] * self.weights[connection.weight];
        }
        z
    }

    fn propagate(&self, inputs: &[Vec<f64>], rewards: &[Vec<f64>], epsilon: f64) -> Propagated {
        let mut of_weights = vec![0.0; self.weights.len()];
        let mut of_biases = vec![0.0; self.biases.len()];
        let mut below = Vec::new();
        for (a, r) in inputs.iter().zip(rewards) {
            let z = self.forward(a);
            let mut r_below = vec![0.0; a.len()];
            for &Connection { from, to, weight } in &self.connections {
                // Eqs. 2 and 6: the reward of a connection is proportional to its contribution.
                let contribution = a[from] * self.weights[weight];
                let r_connection = contribution / stabilized(z[to], epsilon) * r[to];
                // Eq. 3: the reward of a neuron is the sum over its outgoing connections.
                r_below[from] += r_connection;
                // Eqs. 4 and 7: the feedback of a weight has the sign of the weight times that of the reward.
                of_weights[weight] +=
                    self.weights[weight].abs() * a[from] / stabilized(z[to], epsilon) * r[to];
            }
            for (to, &bias) in self.bias_of.iter().enumerate() {
                of_biases[bias] += self.biases[bias].abs() / stabilized(z[to], epsilon) * r[to];
            }
            below.push(r_below);
        }
        Propagated {
            rewards: below,
            feedback: vec![(of_weights, of_biases)],
        }
    }

    /// A dense layer with `weights` of shape `[inputs, outputs]`.
    pub fn dense(inputs: usize, outputs: usize, weights: Vec<f64>, biases: Vec<f64>) -> Self {
        let connections = (0..inputs * outputs)
            .map(|weight| Connection {
                from: weight / outputs,
                to: weight % outputs,
                weight,
            })
            .collect();
        Self {
            outputs,
            connections,
            weights,
            bias_of: (0..biases.len()).collect(),
            biases,
        }
    }

    /// A convolution of `[channels, size, size]` images, padded so that the size stays. `weights` have the shape
    /// `[to, from, kernel, kernel]`.
    pub fn convolution(
        [from_channels, to_channels]: [usize; 2],
        size: usize,
        kernel: usize,
        weights: Vec<f64>,
        biases: Vec<f64>,
    ) -> Self {
        let mut connections = Vec::new();
        let reach = (kernel / 2) as isize;
        let inside = |position: usize, offset: usize| {
            let position = position as isize + offset as isize - reach;
            usize::try_from(position)
                .ok()
                .filter(|&position| position < size)
        };
        for to_channel in 0..to_channels {
            for to in 0..size * size {
                for from_channel in 0..from_channels {
                    for offset in 0..kernel * kernel {
                        let (Some(y), Some(x)) = (
                            inside(to / size, offset / kernel),
                            inside(to % size, offset % kernel),
                        ) else {
                            continue;
                        };
                        let map = to_channel * from_channels + from_channel;
                        connections.push(Connection {
                            from: (from_channel * size + y) * size + x,
                            to: to_channel * size * size + to,
                            weight: map * kernel * kernel + offset,
                        });
                    }
                }
            }
        }
        let outputs = to_channels * size * size;
        let bias_of = match biases.is_empty() {
            true => Vec::new(),
            false => (0..outputs).map(|output| output / (size * size)).collect(),
        };
        Self {
            outputs,
            connections,
            weights,
            bias_of,
            biases,
        }
    }

    /// Keeps every `stride`-th of the `size * size` outputs of each channel, in both directions.
    #[must_use]
    pub fn strided(mut self, size: usize, stride: usize) -> Self {
        let kept = size.div_ceil(stride);
        let place = |output: usize| {
            let (channel, y, x) = (output / (size * size), output / size % size, output % size);
            let on_grid = y % stride == 0 && x % stride == 0;
            on_grid.then_some((channel * kept + y / stride) * kept + x / stride)
        };
        let moved = self.connections.iter().filter_map(|&connection| {
            let to = place(connection.to)?;
            Some(Connection { to, ..connection })
        });
        self.connections = moved.collect();
        self.outputs = self.outputs / (size * size) * kept * kept;
        self.bias_of = match self.bias_of.is_empty() {
            true => Vec::new(),
            false => (0..self.outputs)
                .map(|output| output / (kept * kept))
                .collect(),
        };
        self
    }

    /// Average pooling over windows of input indices, all of the same size.
    pub fn average(windows: &[Vec<usize>]) -> Self {
        let size = windows[0].len();
        let into = |(to, window): (usize, &Vec<usize>)| {
            let connect = move |&from: &usize| Connection {
                from,
                to,
                weight: 0,
            };
            window.iter().map(connect).collect::<Vec<_>>()
        };
        Self {
            outputs: windows.len(),
            connections: windows.iter().enumerate().flat_map(into).collect(),
            weights: vec![1.0 / size as f64],
            bias_of: Vec::new(),
            biases: Vec::new(),
        }
    }
}

/// The input indices of `window * window` windows that tile `[channels, size, size]` images.
pub fn windows(channels: usize, size: usize, window: usize) -> Vec<Vec<usize>> {
    let tiles = size / window;
    let mut all = Vec::new();
    for channel in 0..channels {
        for tile in 0..tiles * tiles {
            let (top, left) = (tile / tiles * window, tile % tiles * window);
            let inside = (0..window * window).map(|offset| {
                let (y, x) = (top + offset / window, left + offset % window);
                (channel * size + y) * size + x
            });
            all.push(inside.collect());
        }
    }
    all
}

/// Mean and standard deviation of each channel over the batch; `epsilon` is added to the variance.
fn statistics(
    inputs: &[Vec<f64>],
    channel_of: &[usize],
    channels: usize,
    epsilon: f64,
) -> Vec<(f64, f64)> {
    let of_channel = |channel: usize| {
        let values = inputs.iter().flat_map(move |a| {
            let pairs = a.iter().zip(channel_of);
            pairs.filter_map(move |(&x, &of)| (of == channel).then_some(x))
        });
        let count = values.clone().count() as f64;
        let mean = values.clone().sum::<f64>() / count;
        let variance = values.map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        (mean, (variance + epsilon).sqrt())
    };
    (0..channels).map(of_channel).collect()
}

fn largest(a: &[f64], window: &[usize]) -> usize {
    let better = |best: usize, &next: &usize| if a[next] > a[best] { next } else { best };
    window[1..].iter().fold(window[0], better)
}

/// A seeded random number generator.
#[derive(Debug)]
pub struct Numbers(StdRng);

impl Numbers {
    /// Creates the generator.
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// Uniform numbers between `low` and `high`. They are rounded to f32, so that the f32 implementation gets the same inputs.
    pub fn uniform(&mut self, count: usize, low: f64, high: f64) -> Vec<f64> {
        let mut one = || f64::from(self.0.random_range(low..high) as f32);
        (0..count).map(|_| one()).collect()
    }
}
