//! Recurrent layers. A gate and what it gates share the reward of their product; the sums of a cell share it by value.

use burn::{
    nn::{GateController, Gru, Lstm, LstmState, Rnn, RnnState, activation::Activation},
    tensor::Tensor,
};
use lfp_core::{
    ActivationFn,
    functions::{activation, linear_activation, product, stabilize, sum},
};

use super::{
    Hookable, HookedForward, InputError,
    activations::built_in_of,
    hooked::{activated, hook},
};

/// `phi(z)` for a raw weighted sum `z`.
fn activate_sum(z: Tensor<2>, function: &Activation) -> Tensor<2> {
    match built_in_of(function) {
        Some(function) => linear_activation(z, function),
        None => function.forward_raw(stabilize(z)),
    }
}

/// `phi(W x + U h + b)`: one weighted sum of inputs and hidden state.
fn gate(gate: &GateController, x: &Tensor<2>, h: &Tensor<2>, function: &Activation) -> Tensor<2> {
    activate_sum(gate.gate_product(x.clone(), h.clone()), function)
}

/// `1 - a`, a weighted sum with the weight -1 and the bias 1.
fn complement(a: Tensor<2>) -> Tensor<2> {
    stabilize(a.neg().add_scalar(1.0))
}

fn clipped(state: Tensor<2>, clip: Option<f64>) -> Tensor<2> {
    match clip {
        Some(clip) => activation(
            state,
            ActivationFn::Hardtanh {
                min: -clip,
                max: clip,
            },
        ),
        None => state,
    }
}

/// Applies `step` to each time step of `x`, and returns the states in the order of `x` with the last one computed.
fn scan<S>(
    x: Tensor<3>,
    batch_first: bool,
    reverse: bool,
    start: impl FnOnce(&Tensor<3>) -> S,
    step: impl Fn(Tensor<2>, S) -> (Tensor<2>, S),
) -> (Tensor<3>, S) {
    let time = usize::from(batch_first);
    let mut state = start(&x);
    let mut inputs: Vec<Tensor<2>> = x.iter_dim(time).map(|x| x.squeeze_dim(time)).collect();
    if reverse {
        inputs.reverse();
    }
    let mut outputs = Vec::with_capacity(inputs.len());
    for input in inputs {
        let (output, next) = step(input, state);
        outputs.push(output.unsqueeze_dim(time));
        state = next;
    }
    if reverse {
        outputs.reverse();
    }
    (Tensor::cat(outputs, time), state)
}

/// Checks input and initial state, where `x` is `[batch, steps, width]`, or `[steps, batch, width]` unless `batch_first`.
fn check(
    gate: &GateController,
    x: &Tensor<3>,
    batch_first: bool,
    state: Option<[usize; 2]>,
) -> Result<(), InputError> {
    let [width, _] = gate.input_transform.weight.shape().dims();
    let [hidden, _] = gate.hidden_transform.weight.shape().dims();
    let dims = x.dims();
    InputError::check_shape("recurrent input", &[None, None, Some(width)], &dims)?;
    if dims[usize::from(batch_first)] == 0 {
        let expected = "at least one step".to_owned();
        return Err(InputError::Shape {
            input: "recurrent input",
            expected,
            found: dims.to_vec(),
        });
    }
    let batch = dims[usize::from(!batch_first)];
    match state {
        Some(found) => {
            InputError::check_shape("recurrent state", &[Some(batch), Some(hidden)], &found)
        }
        None => Ok(()),
    }
}

fn zeros(x: &Tensor<3>, batch_first: bool, width: usize) -> Tensor<2> {
    let batch = x.dims()[usize::from(!batch_first)];
    Tensor::zeros([batch, width], (&x.device(), x.dtype()))
}

impl HookedForward<(Tensor<3>, Option<LstmState<2>>), (Tensor<3>, LstmState<2>)> for Lstm {
    fn try_forward_hooked(
        &self,
        (x, state): (Tensor<3>, Option<LstmState<2>>),
        function: Option<ActivationFn>,
    ) -> Result<(Tensor<3>, LstmState<2>), InputError> {
        let found = state.as_ref().map(|state| state.hidden.dims());
        check(&self.input_gate, &x, self.batch_first, found)?;
        let start = |x: &Tensor<3>| {
            state.unwrap_or_else(|| {
                let zeros = zeros(x, self.batch_first, self.d_hidden);
                LstmState::new(zeros.clone(), zeros)
            })
        };
        let step = |x, state| lstm_step(self, &x, state);
        let (outputs, state) = scan(x, self.batch_first, self.reverse, start, step);
        Ok((activated(outputs, function), state))
    }
}

fn lstm_step(lstm: &Lstm, x: &Tensor<2>, state: LstmState<2>) -> (Tensor<2>, LstmState<2>) {
    let LstmState { cell, hidden } = state;
    let gated = |of: &GateController| gate(of, x, &hidden, &lstm.gate_activation);
    let input = gated(&lstm.input_gate);
    let forget = match &lstm.forget_gate {
        Some(of) => gated(of),
        None => complement(input.clone()),
    };
    let output = gated(&lstm.output_gate);
    let candidate = gate(&lstm.cell_gate, x, &hidden, &lstm.cell_activation);
    let cell = sum(product(forget, cell), product(input, candidate));
    let cell = clipped(cell, lstm.clip);
    let exposed: Tensor<2> = lstm.hidden_activation.forward_raw(cell.clone());
    let hidden = product(output, exposed);
    (hidden.clone(), LstmState::new(cell, hidden))
}

impl HookedForward<(Tensor<3>, Option<Tensor<2>>), Tensor<3>> for Gru {
    fn try_forward_hooked(
        &self,
        (x, state): (Tensor<3>, Option<Tensor<2>>),
        function: Option<ActivationFn>,
    ) -> Result<Tensor<3>, InputError> {
        check(
            &self.update_gate,
            &x,
            true,
            state.as_ref().map(Tensor::dims),
        )?;
        let start = |x: &Tensor<3>| state.unwrap_or_else(|| zeros(x, true, self.d_hidden));
        let step = |x: Tensor<2>, hidden| {
            let hidden = gru_step(self, &x, hidden);
            (hidden.clone(), hidden)
        };
        let (outputs, _) = scan(x, true, false, start, step);
        Ok(activated(outputs, function))
    }
}

fn gru_step(gru: &Gru, x: &Tensor<2>, hidden: Tensor<2>) -> Tensor<2> {
    let update = gate(&gru.update_gate, x, &hidden, &gru.gate_activation);
    let reset = gate(&gru.reset_gate, x, &hidden, &gru.gate_activation);
    let of = &gru.new_gate;
    let candidate = match gru.reset_after {
        true => {
            let recalled = product(reset, hook(&of.hidden_transform, None, hidden.clone()));
            let z = of.input_transform.forward_raw(x.clone()) + recalled;
            activate_sum(z, &gru.hidden_activation)
        }
        false => {
            let recalled = product(hidden.clone(), reset);
            gate(of, x, &recalled, &gru.hidden_activation)
        }
    };
    let kept = product(update.clone(), hidden);
    let hidden = sum(product(candidate, complement(update)), kept);
    clipped(hidden, gru.clip)
}

impl HookedForward<(Tensor<3>, Option<RnnState<2>>), (Tensor<3>, RnnState<2>)> for Rnn {
    fn try_forward_hooked(
        &self,
        (x, state): (Tensor<3>, Option<RnnState<2>>),
        function: Option<ActivationFn>,
    ) -> Result<(Tensor<3>, RnnState<2>), InputError> {
        let state = state.map(|state| state.hidden);
        let found = state.as_ref().map(Tensor::dims);
        check(&self.gate, &x, self.batch_first, found)?;
        let start =
            |x: &Tensor<3>| state.unwrap_or_else(|| zeros(x, self.batch_first, self.d_hidden));
        let step = |x: Tensor<2>, hidden: Tensor<2>| {
            let hidden = gate(&self.gate, &x, &hidden, &self.hidden_activation);
            let hidden = clipped(hidden, self.clip);
            (hidden.clone(), hidden)
        };
        let (outputs, hidden) = scan(x, self.batch_first, self.reverse, start, step);
        Ok((activated(outputs, function), RnnState::new(hidden)))
    }
}

/// Without an initial state, which is then zero.
macro_rules! from_zero {
    ($($layer:ty => $output:ty),* $(,)?) => {$(
        impl HookedForward<Tensor<3>, $output> for $layer {
            fn try_forward_hooked(
                &self,
                x: Tensor<3>,
                function: Option<ActivationFn>,
            ) -> Result<$output, InputError> {
                self.try_forward_hooked((x, None), function)
            }
        }
    )*};
}

from_zero! {
    Lstm => (Tensor<3>, LstmState<2>),
    Gru => Tensor<3>,
    Rnn => (Tensor<3>, RnnState<2>),
}
