//! Linear maps of spikes: rows of the weights are gathered and summed in registers, a panel of columns at a time, which stays
//! in the cache of a core. Every pass is `None` if its input is not sparse, or not f32; Burn's products apply then.
//!
//! Sums run in the order of their rows, so results do not depend on the number of threads.

use std::ops::Range;

use burn_core::backend::DType;
use burn_flex::FlexTensor;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{
    buffer::Buffer,
    spikes::{MOST, Ones, Pass, are_spikes},
    tensor,
    transpose::{MOST_LANES, transpose},
    vectors::with_widest_vectors,
};

/// Floats of a panel, 512 KiB: it stays in the second cache of a core, beside the rows of a task.
const PANEL: usize = 1 << 17;
/// As [`MOST`], for the input rewards: there each spike costs a product of its own.
const MOST_PRODUCTS: f64 = 0.2;
/// Rows of the input, or of the weight gradient, of a parallel task.
const ROWS: usize = 128;

/// `x W + b`, `[rows, columns]`.
pub(super) fn forward(
    x: &FlexTensor,
    weight: &FlexTensor,
    bias: &FlexTensor,
) -> Option<FlexTensor> {
    let problem = Problem::new(x, &[weight, bias], weight.layout().shape().dims(), MOST)?;
    let (weight, bias) = (weight.to_contiguous(), bias.to_contiguous());
    Some(problem.run(
        [problem.rows, problem.columns],
        Pass::Forward {
            weights: weight.storage(),
            bias: Some(bias.storage()),
        },
    ))
}

/// The quotients of the input at its spikes, `q W^T`; zero at the other elements, where the reward is zero with any quotient.
pub(super) fn input_rewards(
    x: &FlexTensor,
    weight: &FlexTensor,
    quotient: &FlexTensor,
) -> Option<FlexTensor> {
    let shape = weight.layout().shape().dims();
    let problem = Problem::new(x, &[weight, quotient], shape, MOST_PRODUCTS)?;
    let (weight, quotient) = (weight.to_contiguous(), quotient.to_contiguous());
    Some(problem.run(
        [problem.rows, problem.inputs],
        Pass::InputRewards {
            weights: weight.storage(),
            quotient: quotient.storage(),
        },
    ))
}

/// The gradient of the weights, or the sum of the quotients over spikes: `x^T g`.
pub(super) fn weight_gradient(x: &FlexTensor, grad: &FlexTensor) -> Option<FlexTensor> {
    let [_, inputs] = x.layout().shape().dims();
    let [_, columns] = grad.layout().shape().dims();
    let problem = Problem::new(x, &[grad], [inputs, columns], MOST)?;
    let grad = grad.to_contiguous();
    let pass = Pass::WeightGradient {
        grad: grad.storage(),
    };
    Some(problem.run([inputs, columns], pass))
}

/// Spikes, `[rows, inputs]`, of a linear map to `columns` outputs.
struct Problem {
    spikes: FlexTensor,
    rows: usize,
    inputs: usize,
    columns: usize,
}

impl Problem {
    fn new(
        x: &FlexTensor,
        others: &[&FlexTensor],
        [inputs, columns]: [usize; 2],
        most: f64,
    ) -> Option<Self> {
        let [rows, _] = x.layout().shape().dims();
        let is_f32 = |tensor: &FlexTensor| tensor.dtype() == DType::F32;
        if [rows, inputs, columns].contains(&0) || !is_f32(x) || !others.iter().all(|x| is_f32(x)) {
            return None;
        }
        let spikes = x.to_contiguous();
        are_spikes(spikes.storage(), most).then_some(Self {
            spikes,
            rows,
            inputs,
            columns,
        })
    }

    fn run(&self, shape: [usize; 2], pass: Pass) -> FlexTensor {
        let mut output = vec![0.0; shape[0] * shape[1]];
        with_widest_vectors(Run {
            problem: self,
            pass,
            output: &mut output,
        });
        tensor(output, shape)
    }

    fn spikes(&self) -> &[f32] {
        self.spikes.storage()
    }
}

/// Selects the width of a panel, in vectors.
struct Run<'a> {
    problem: &'a Problem,
    pass: Pass<'a>,
    output: &'a mut [f32],
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let terms = match self.pass {
            Pass::WeightGradient { .. } => self.problem.rows,
            Pass::Forward { .. } | Pass::InputRewards { .. } => self.problem.inputs,
        };
        let needed = self.problem.columns.div_ceil(S::F32_LANES);
        let fitting = PANEL / (terms * S::F32_LANES);
        match needed.min(fitting) {
            0 | 1 => self.by_panels::<S, 1>(simd),
            2 | 3 => self.by_panels::<S, 2>(simd),
            4..8 => self.by_panels::<S, 4>(simd),
            _ => self.by_panels::<S, 8>(simd),
        }
    }
}

impl Run<'_> {
    #[inline(always)]
    fn by_panels<S: Simd, const V: usize>(self, simd: S) {
        let Problem {
            rows,
            inputs,
            columns,
            ..
        } = *self.problem;
        let spikes = self.problem.spikes();
        match self.pass {
            Pass::Forward { weights, bias } => {
                let panels = Panels::<V>::new::<S>(weights, [inputs, columns]);
                let bias = bias.map(|bias| Panels::<V>::new::<S>(bias, [1, columns]));
                let outputs = self.output.par_chunks_mut(ROWS * columns);
                let tasks = outputs.zip(spikes.par_chunks(ROWS * inputs));
                tasks.for_each(|(output, spikes)| {
                    simd.vectorize(SumRows {
                        ones: Ones::of_rows(spikes, inputs),
                        panels: &panels,
                        bias: bias.as_ref(),
                        output,
                    });
                });
            }
            Pass::InputRewards { weights, quotient } => {
                let panels = Panels::<V>::new::<S>(weights, [inputs, columns]);
                let outputs = self.output.par_chunks_mut(ROWS * inputs);
                let operands = spikes
                    .par_chunks(ROWS * inputs)
                    .zip(quotient.par_chunks(ROWS * columns));
                let tasks = outputs.zip(operands);
                tasks.for_each(|(output, (spikes, quotient))| {
                    simd.vectorize(MultiplyRows {
                        ones: Ones::of_rows(spikes, inputs),
                        panels: &panels,
                        quotient,
                        output,
                    });
                });
            }
            Pass::WeightGradient { grad } => {
                let panels = Panels::<V>::new::<S>(grad, [rows, columns]);
                let tasks = self.output.par_chunks_mut(ROWS * columns).enumerate();
                tasks.for_each(|(task, output)| {
                    let first = task * ROWS;
                    let lines = first..(first + ROWS).min(inputs);
                    simd.vectorize(SumRows {
                        ones: Ones::of_columns(spikes, inputs, lines),
                        panels: &panels,
                        bias: None,
                        output,
                    });
                });
            }
        }
    }
}

/// A matrix, `[terms, columns]`, in panels of `V` vectors, `[panels, terms, V]`; zeros follow the last column.
struct Panels<const V: usize> {
    values: Buffer,
    terms: usize,
    columns: usize,
}

impl<const V: usize> Panels<V> {
    fn new<S: Simd>(matrix: &[f32], [terms, columns]: [usize; 2]) -> Self {
        let width = V * S::F32_LANES;
        let len = columns.div_ceil(width) * terms * width;
        let mut values = Buffer::new(len);
        let panels = values[..len].par_chunks_exact_mut(terms * width);
        panels.enumerate().for_each(|(panel, values)| {
            let first = panel * width;
            let inside = width.min(columns - first);
            let rows = values.chunks_exact_mut(width);
            for (values, row) in rows.zip(matrix.chunks_exact(columns)) {
                let (values, behind) = values.split_at_mut(inside);
                values.copy_from_slice(&row[first..][..inside]);
                behind.fill(0.0);
            }
        });
        Self {
            values,
            terms,
            columns,
        }
    }

    /// For each panel the range of its columns, and its rows.
    #[inline(always)]
    fn iter<S: Simd>(&self) -> impl Iterator<Item = (Range<usize>, &[[S::f32s; V]])> {
        let width = V * S::F32_LANES;
        let panels = self.values.chunks_exact(self.terms * width);
        let firsts = (0..self.columns).step_by(width);
        firsts.zip(panels).map(move |(first, panel)| {
            let columns = first..(first + width).min(self.columns);
            (columns, S::as_simd_f32s(panel).0.as_chunks::<V>().0)
        })
    }
}

/// For each line of spikes the sum of the rows at its ones, and of the bias.
struct SumRows<'a, const V: usize> {
    ones: Ones,
    panels: &'a Panels<V>,
    bias: Option<&'a Panels<V>>,
    /// `[lines, columns]`
    output: &'a mut [f32],
}

impl<const V: usize> WithSimd for SumRows<'_, V> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let mut biases = self.bias.map(|bias| bias.iter::<S>());
        for (columns, rows) in self.panels.iter::<S>() {
            let bias = biases.as_mut().and_then(|biases| biases.next());
            let start = match bias {
                Some((_, bias)) => bias[0],
                None => [simd.splat_f32s(0.0); V],
            };
            let lines = self.output.chunks_exact_mut(self.panels.columns);
            for (line, ones) in lines.zip(self.ones.lines()) {
                let mut sums = start;
                for &one in ones {
                    for (sum, &value) in sums.iter_mut().zip(&rows[one as usize]) {
                        *sum = simd.add_f32s(*sum, value);
                    }
                }
                // A copy: sums whose address is taken would not stay in registers.
                let sums = [sums];
                let sums: &[f32] = bytemuck::cast_slice(sums.as_flattened());
                line[columns.clone()].copy_from_slice(&sums[..columns.len()]);
            }
        }
    }
}

/// For each row of spikes the products of its quotients and the rows of the weights at its ones.
struct MultiplyRows<'a, const V: usize> {
    ones: Ones,
    panels: &'a Panels<V>,
    /// `[rows, columns]`
    quotient: &'a [f32],
    /// `[rows, inputs]`, zeros before.
    output: &'a mut [f32],
}

impl<const V: usize> WithSimd for MultiplyRows<'_, V> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let zero = simd.splat_f32s(0.0);
        for (columns, weights) in self.panels.iter::<S>() {
            let rows = self.output.chunks_exact_mut(self.panels.terms);
            let rows = rows.zip(self.quotient.chunks_exact(self.panels.columns));
            for ((row, quotient), ones) in rows.zip(self.ones.lines()) {
                let mut quotients = [zero; V];
                let floats: &mut [f32] = bytemuck::cast_slice_mut(&mut quotients);
                floats[..columns.len()].copy_from_slice(&quotient[columns.clone()]);
                let quotients = [quotients][0];
                for ones in ones.chunks(S::F32_LANES) {
                    // One vector of sums per spike, which a transpose adds up for as many spikes as there are lanes.
                    let mut products = [zero; MOST_LANES];
                    for (product, &one) in products.iter_mut().zip(ones) {
                        let mut sum = zero;
                        for (&quotient, &weight) in quotients.iter().zip(&weights[one as usize]) {
                            sum = simd.mul_add_e_f32s(quotient, weight, sum);
                        }
                        *product = sum;
                    }
                    transpose(simd, &mut products[..S::F32_LANES]);
                    let mut sum = zero;
                    for &product in &products[..S::F32_LANES] {
                        sum = simd.add_f32s(sum, product);
                    }
                    let sums: [S::f32s; 1] = [sum];
                    for (&one, &sum) in ones.iter().zip(bytemuck::cast_slice::<_, f32>(&sums)) {
                        row[one as usize] += sum;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::flex::vectors::forced::for_each_instruction_set;

    fn values(len: usize, seed: usize) -> Vec<f32> {
        let value = |index: usize| (((index * index + seed) as f64) * 0.37).sin() as f32;
        (0..len).map(value).collect()
    }

    /// Spikes, a seventh of them ones, weights, biases, and what arrives at the outputs.
    fn operands([rows, inputs, columns]: [usize; 3]) -> [FlexTensor; 4] {
        let spikes = values(rows * inputs, 5).into_iter();
        let spikes = spikes.map(|value| f32::from(value > 0.9)).collect();
        [
            tensor(spikes, [rows, inputs]),
            tensor(values(inputs * columns, 1), [inputs, columns]),
            tensor(values(columns, 2), [columns]),
            tensor(values(rows * columns, 3), [rows, columns]),
        ]
    }

    fn assert_near(ours: Option<FlexTensor>, expected: &[f64]) {
        let ours = ours.expect("spikes are gathered");
        let largest = expected
            .iter()
            .fold(1.0, |most: f64, value| most.max(value.abs()));
        for (&ours, expected) in ours.storage::<f32>().iter().zip(expected) {
            assert!((f64::from(ours) - expected).abs() <= 1e-5 * largest);
        }
    }

    fn assert_exact(sizes: [usize; 3]) {
        let [rows, inputs, columns] = sizes;
        let [x, weight, bias, grad] = operands(sizes);
        let [xs, weights, biases, grads] =
            [&x, &weight, &bias, &grad].map(|tensor| tensor.storage::<f32>());
        let bias_of = |output: usize| f64::from(biases[output % columns]);
        let mut outputs: Vec<f64> = (0..rows * columns).map(bias_of).collect();
        let (mut below, mut of_weight) = (vec![0.0; rows * inputs], vec![0.0; inputs * columns]);
        for at_x in 0..rows * inputs {
            let (row, input) = (at_x / inputs, at_x % inputs);
            for column in 0..columns {
                let (at_weight, at_output) = (input * columns + column, row * columns + column);
                let [x, w, g] = [xs[at_x], weights[at_weight], grads[at_output]].map(f64::from);
                outputs[at_output] += x * w;
                // Only at spikes.
                below[at_x] += x * g * w;
                of_weight[at_weight] += x * g;
            }
        }
        assert_near(forward(&x, &weight, &bias), &outputs);
        assert_near(input_rewards(&x, &weight, &grad), &below);
        assert_near(weight_gradient(&x, &grad), &of_weight);
    }

    #[test]
    fn sums_of_spikes_equal_the_products() {
        for_each_instruction_set(|| {
            // Panels of one, two, four and eight vectors, whole and cut; several tasks.
            for columns in [1, 10, 16, 24, 37, 64, 130, 300] {
                assert_exact([7, 19, columns]);
            }
            assert_exact([2 * ROWS + 3, ROWS + 5, 21]);
        });
        // So many terms that panels are narrower.
        assert_exact([1, 3000, 70]);
        assert_exact([9000, 2, 40]);
    }

    #[test]
    fn transposed_operands_are_read_in_their_own_order() {
        let [x, weight, bias, _] = operands([50, 6, 6]);
        let turned = weight.transpose(0, 1);
        let expected = forward(&x, &turned.to_contiguous(), &bias).unwrap();
        let ours = forward(&x, &turned, &bias).unwrap();
        assert_eq!(ours.storage::<f32>(), expected.storage::<f32>());
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        let [x, weight, bias, grad] = operands([700, 300, 90]);
        let bits = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| {
                let passes = [
                    forward(&x, &weight, &bias),
                    input_rewards(&x, &weight, &grad),
                    weight_gradient(&x, &grad),
                ];
                passes.map(|pass| pass.unwrap().storage::<f32>().to_vec())
            })
        };
        let alone = bits(1);
        for threads in [2, 3, 8] {
            assert!(bits(threads) == alone, "{threads} threads");
        }
    }

    #[test]
    fn other_inputs_are_left_to_burn() {
        let [_, weight, bias, grad] = operands([4, 6, 8]);
        for x in [values(24, 1), vec![1.0; 24]] {
            let x = tensor(x, [4, 6]);
            assert!(forward(&x, &weight, &bias).is_none());
            assert!(input_rewards(&x, &weight, &grad).is_none());
            assert!(weight_gradient(&x, &grad).is_none());
        }
    }

    /// Milliseconds of each pass by firing rate, beyond the limits, too, beside Burn's products: `cargo test -p lfp-core --lib
    /// by_firing_rate -- --ignored --nocapture --test-threads 1`.
    #[test]
    #[ignore = "a measurement"]
    fn by_firing_rate() {
        use burn_core::backend::ops::ModuleOps;
        use burn_flex::Flex;

        use crate::backends::flex::measure::{fastest, random_spikes};

        let sizes @ [rows, inputs, columns] = [1920, 1000, 1000];
        let [_, weight, bias, grad] = operands(sizes);
        let dense = tensor(values(rows * inputs, 1), [rows, inputs]);
        println!(
            "multiplied: {:.1} {:.1} {:.1} ms",
            fastest(|| Flex::linear(dense.clone(), weight.clone(), Some(bias.clone()))),
            fastest(|| Flex::linear_x_backward(weight.clone(), grad.clone())),
            fastest(|| Flex::linear_weight_backward(dense.clone(), grad.clone())),
        );
        let [weights, biases, quotient] = [&weight, &bias, &grad].map(FlexTensor::storage);
        for rate in [0.02, 0.1, 0.2, 0.3] {
            let x = tensor(random_spikes(rows * inputs, rate), [rows, inputs]);
            let pass = |output, pass| {
                fastest(|| {
                    let problem = Problem::new(&x, &[], [inputs, columns], 1.0);
                    problem.expect("spikes").run(output, pass)
                })
            };
            let forward = Pass::Forward {
                weights,
                bias: Some(biases),
            };
            println!(
                "{rate}: {:.1} {:.1} {:.1} ms",
                pass([rows, columns], forward),
                pass([rows, inputs], Pass::InputRewards { weights, quotient }),
                pass([inputs, columns], Pass::WeightGradient { grad: quotient }),
            );
        }
    }
}
