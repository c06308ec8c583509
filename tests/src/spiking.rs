//! Leaky integrate-and-fire neurons, step by step, for one sample.

/// A dense layer of spiking neurons.
#[derive(Clone, Debug)]
pub struct SpikingDense {
    /// Number of neurons.
    pub neurons: usize,
    /// Weights of shape `[inputs, neurons]`.
    pub weights: Vec<f64>,
    /// Biases of shape `[neurons]`.
    pub biases: Vec<f64>,
    /// The decay of the membrane potential per step.
    pub beta: f64,
    /// The potential above which a neuron fires.
    pub threshold: f64,
}

/// The forward pass of a layer, with one row per step.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Inputs.
    pub inputs: Vec<Vec<f64>>,
    /// Membrane potentials.
    pub potentials: Vec<Vec<f64>>,
    /// Spikes.
    pub spikes: Vec<Vec<f64>>,
}

/// The result of a backward pass: rewards and feedback, or gradients.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Of the inputs, with one row per step.
    pub inputs: Vec<Vec<f64>>,
    /// Of the weights, summed over the steps.
    pub weights: Vec<f64>,
    /// Of the biases, summed over the steps.
    pub biases: Vec<f64>,
}

impl SpikingDense {
    fn fires(&self, potential: f64) -> f64 {
        f64::from(potential > self.threshold)
    }

    /// Runs the forward pass; `inputs` has one row per step.
    pub fn run(&self, inputs: Vec<Vec<f64>>) -> Trace {
        let mut potentials: Vec<Vec<f64>> = Vec::new();
        for row in &inputs {
            let now = (0..self.neurons).map(|j| {
                let weights = self.weights.iter().skip(j).step_by(self.neurons);
                let sum: f64 = row.iter().zip(weights).map(|(x, w)| x * w).sum();
                let before = potentials.last().map_or(0.0, |row| row[j]);
                self.beta * before + sum + self.biases[j] - self.threshold * self.fires(before)
            });
            let now = now.collect();
            potentials.push(now);
        }
        let fire = |row: &Vec<f64>| row.iter().map(|&u| self.fires(u)).collect();
        Trace {
            spikes: potentials.iter().map(fire).collect(),
            inputs,
            potentials,
        }
    }

    /// Propagates `rewards` of the spikes. `denominator` takes the previous membrane potential and the change since, without
    /// the reset, and `epsilon`.
    pub fn divide(
        &self,
        trace: &Trace,
        rewards: &[Vec<f64>],
        denominator: fn(f64, f64, f64) -> f64,
        epsilon: f64,
    ) -> Sent {
        let step = |reward: f64, now: f64, before: f64| {
            let change = now + self.threshold * self.fires(before) - before;
            let share = reward / denominator(before, change, epsilon);
            (share, self.beta * before * share)
        };
        let mut sent = self.backwards(trace, rewards, step);
        for (row, inputs) in sent.inputs.iter_mut().zip(&trace.inputs) {
            row.iter_mut()
                .zip(inputs)
                .for_each(|(share, x)| *share *= x);
        }
        sent.weights
            .iter_mut()
            .zip(&self.weights)
            .for_each(|(d, w)| *d *= w.abs());
        sent.biases
            .iter_mut()
            .zip(&self.biases)
            .for_each(|(d, b)| *d *= b.abs());
        sent
    }

    /// Gradients with the fast-sigmoid surrogate. The reset is a constant.
    pub fn differentiate(&self, trace: &Trace, gradients: &[Vec<f64>], slope: f64) -> Sent {
        // The gradient of a potential through its spike.
        let through = |gradients: &Vec<f64>, potentials: &Vec<f64>| {
            let pairs = gradients.iter().zip(potentials);
            let surrogate = |u: f64| (1.0 + slope * (u - self.threshold).abs()).powi(-2);
            pairs.map(|(g, &u)| g * surrogate(u)).collect::<Vec<f64>>()
        };
        let rows = gradients.iter().zip(&trace.potentials);
        let at_potentials: Vec<_> = rows.map(|(g, u)| through(g, u)).collect();
        self.backwards(trace, &at_potentials, |gradient, _, _| {
            (gradient, self.beta * gradient)
        })
    }

    /// Runs backwards through time. `step` takes the value at a potential, this potential and the previous one, and returns
    /// the values for the input current and for the previous potential.
    fn backwards(
        &self,
        trace: &Trace,
        arriving: &[Vec<f64>],
        step: impl Fn(f64, f64, f64) -> (f64, f64),
    ) -> Sent {
        let width = trace.inputs[0].len();
        let mut sent = Sent {
            inputs: vec![vec![0.0; width]; arriving.len()],
            weights: vec![0.0; self.weights.len()],
            biases: vec![0.0; self.neurons],
        };
        let mut from_later = vec![0.0; self.neurons];
        for t in (0..arriving.len()).rev() {
            for j in 0..self.neurons {
                let now = trace.potentials[t][j];
                let before = if t > 0 {
                    trace.potentials[t - 1][j]
                } else {
                    0.0
                };
                let (share, to_before) = step(arriving[t][j] + from_later[j], now, before);
                from_later[j] = to_before;
                sent.biases[j] += share;
                for i in 0..width {
                    sent.inputs[t][i] += self.weights[i * self.neurons + j] * share;
                    sent.weights[i * self.neurons + j] += trace.inputs[t][i] * share;
                }
            }
        }
        sent
    }
}
