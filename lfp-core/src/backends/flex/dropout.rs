//! Dropout with random numbers from a counter: the backward pass draws them again instead of keeping a mask, and any number
//! of threads draws the same.

use burn_core::{
    backend::{Bytes, DType, Element, Shape, ops::FloatTensorOps},
    tensor::{Distribution, FloatDType},
};
use burn_flex::{Flex, FlexTensor};
use num_traits::Float;
use rayon::prelude::*;

use crate::rules::dropout::scale;

/// Whether tensors of this type are handled here.
pub(super) fn supports(dtype: DType) -> bool {
    matches!(dtype, DType::F32 | DType::F64)
}

/// The output, and the key of its random numbers: four 16-bit integers in f32.
pub(super) fn forward(x: FlexTensor, probability: f64) -> (FlexTensor, FlexTensor) {
    let parts = Distribution::Uniform(0.0, 65536.0);
    let parts = Flex::float_random(Shape::new([4]), parts, &Default::default(), FloatDType::F32);
    let key = Flex::float_floor(parts);
    (backward(x, &key, probability), key)
}

/// What arrives at the elements that were kept, times `1 / (1 - probability)`.
pub(super) fn backward(grad: FlexTensor, key: &FlexTensor, probability: f64) -> FlexTensor {
    let mask = Mask::new(key.storage(), probability);
    match grad.dtype() {
        DType::F64 => mask.apply::<f64>(grad),
        _ => mask.apply::<f32>(grad),
    }
}

/// Which elements of a tensor are kept, by their index.
#[derive(Clone, Copy, Debug)]
struct Mask {
    key: [u32; 2],
    probability: f64,
}

/// Counters at a time.
const LANES: usize = 16;
/// Elements of a block; a counter gives the numbers of two.
const BLOCK: usize = 2 * LANES;
/// Elements of a parallel task.
const TASK: usize = 64 * 1024;

impl Mask {
    fn new(parts: &[f32], probability: f64) -> Self {
        let word = |parts: &[f32]| {
            parts
                .iter()
                .rev()
                .fold(0, |word, &part| word << 16 | part as u32)
        };
        let (low, high) = parts.split_at(2);
        Self {
            key: [word(low), word(high)],
            probability,
        }
    }

    fn apply<E: Element + Float + bytemuck::Pod>(self, tensor: FlexTensor) -> FlexTensor {
        let mut tensor = tensor.to_contiguous();
        let layout = tensor.layout().clone();
        if let Some(values) = tensor.try_storage_mut::<E>() {
            self.apply_in_place(values);
            return tensor;
        }
        let mut values = tensor.storage::<E>().to_vec();
        self.apply_in_place(&mut values);
        FlexTensor::new(Bytes::from_elems(values), layout, E::dtype())
    }

    fn apply_in_place<E: Element + Float>(self, values: &mut [E]) {
        let blocks_per_task = TASK / BLOCK;
        match super::task_size(values.len()) == values.len() {
            true => keep(values, 0, self),
            false => values
                .par_chunks_mut(TASK)
                .enumerate()
                .for_each(|(task, values)| keep(values, task * blocks_per_task, self)),
        }
    }
}

/// Applies the mask to successive blocks from number `first` on.
#[multiversion::multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
fn keep<E: Element + Float>(values: &mut [E], first: usize, mask: Mask) {
    let factor = E::from(scale(mask.probability)).unwrap();
    // With a probability of 1, the largest number is kept, and its element becomes 0 by the factor.
    let dropped = (mask.probability * 2f64.powi(32)) as u32;
    let (blocks, rest) = values.as_chunks_mut::<BLOCK>();
    let counter = |block: usize| ((first + block) * LANES) as u64;
    let rest_counter = counter(blocks.len());
    for (index, block) in blocks.iter_mut().enumerate() {
        keep_block(block, threefry(counter(index), mask.key), dropped, factor);
    }
    let mut block = [E::zero(); BLOCK];
    block[..rest.len()].copy_from_slice(rest);
    keep_block(
        &mut block,
        threefry(rest_counter, mask.key),
        dropped,
        factor,
    );
    rest.copy_from_slice(&block[..rest.len()]);
}

#[inline(always)]
fn keep_block<E: Float>(
    block: &mut [E; BLOCK],
    [low, high]: [[u32; LANES]; 2],
    dropped: u32,
    factor: E,
) {
    let (first, second) = block.split_at_mut(LANES);
    for (values, numbers) in [(first, &low), (second, &high)] {
        for (value, &number) in values.iter_mut().zip(numbers) {
            let kept = *value * factor;
            *value = if number >= dropped { kept } else { E::zero() };
        }
    }
}

/// Threefry-2x32 with 20 rounds: two random numbers from each of successive counters and a key.
///
/// Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#[inline(always)]
fn threefry(counter: u64, key: [u32; 2]) -> [[u32; LANES]; 2] {
    let keys = [key[0], key[1], 0x1BD1_1BDA ^ key[0] ^ key[1]];
    let mut low = [0; LANES];
    let mut high = [0; LANES];
    for lane in 0..LANES {
        let counter = counter + lane as u64;
        low[lane] = (counter as u32).wrapping_add(keys[0]);
        high[lane] = ((counter >> 32) as u32).wrapping_add(keys[1]);
    }
    for injection in 1..=5 {
        match injection % 2 {
            1 => four_rounds::<13, 15, 26, 6>(&mut low, &mut high),
            _ => four_rounds::<17, 29, 16, 24>(&mut low, &mut high),
        }
        let [first, second] = [keys[injection % 3], keys[(injection + 1) % 3]];
        for lane in 0..LANES {
            low[lane] = low[lane].wrapping_add(first);
            high[lane] = high[lane].wrapping_add(second.wrapping_add(injection as u32));
        }
    }
    [low, high]
}

/// Rounds that rotate by distances known to the compiler, as vectors need.
#[inline(always)]
fn four_rounds<const A: u32, const B: u32, const C: u32, const D: u32>(
    low: &mut [u32; LANES],
    high: &mut [u32; LANES],
) {
    round::<A>(low, high);
    round::<B>(low, high);
    round::<C>(low, high);
    round::<D>(low, high);
}

#[inline(always)]
fn round<const ROTATION: u32>(low: &mut [u32; LANES], high: &mut [u32; LANES]) {
    for lane in 0..LANES {
        low[lane] = low[lane].wrapping_add(high[lane]);
        high[lane] = high[lane].rotate_left(ROTATION) ^ low[lane];
    }
}

#[cfg(test)]
mod tests {
    use burn_core::{backend::Backend, tensor::TensorData};

    use super::*;

    /// The known answers that the authors publish with their implementation, Random123.
    #[test]
    fn threefry_gives_its_authors_numbers() {
        let first = |counter, key| threefry(counter, key).map(|numbers| numbers[0]);
        let pi = 0x85A3_08D3_243F_6A88;
        let pi_key = [0x1319_8A2E, 0x0370_7344];
        assert_eq!(first(0, [0; 2]), [0x6B20_0159, 0x99BA_4EFE]);
        assert_eq!(first(pi, pi_key), [0xC492_3A9C, 0x483D_F7A0]);
        let last = threefry(u64::MAX - 15, [u32::MAX; 2]).map(|numbers| numbers[15]);
        assert_eq!(last, [0x1CB9_96FC, 0xBB00_2BE7]);
    }

    fn ones(len: usize) -> FlexTensor {
        FlexTensor::from_data(TensorData::new(vec![1.0f32; len], [len]))
    }

    /// Two million elements: several tasks, the last one not full.
    #[test]
    fn as_many_are_dropped_as_asked_for_and_the_mean_stays() {
        for probability in [0.0, 0.1, 0.5, 0.9, 1.0] {
            let (output, _) = forward(ones(2_000_003), probability);
            let values: &[f32] = output.storage();
            let zeros = values.iter().filter(|&&value| value == 0.0).count();
            let share = zeros as f64 / values.len() as f64;
            // Five standard deviations.
            let deviation = (probability * (1.0 - probability) / values.len() as f64).sqrt();
            assert!((share - probability).abs() <= 5.0 * deviation, "{share}");
            let kept = scale(probability) as f32;
            assert!(values.iter().all(|&value| value == 0.0 || value == kept));
        }
    }

    #[test]
    fn the_backward_pass_drops_the_same_elements_on_any_number_of_threads() {
        let (output, key) = forward(ones(2_000_003), 0.4);
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let below = pool
                .unwrap()
                .install(|| backward(ones(2_000_003), &key, 0.4));
            assert!(below.storage::<f32>() == output.storage::<f32>());
        }
    }

    /// Neighbours, elements a block apart, and two draws: correlations of independent bits are below five deviations.
    #[test]
    fn elements_are_independent() {
        let [(one, _), (other, _)] = [(), ()].map(|()| forward(ones(1 << 20), 0.5));
        let signs = |tensor: &FlexTensor| -> Vec<f64> {
            let values: &[f32] = tensor.storage();
            values.iter().map(|&value| f64::from(value) - 1.0).collect()
        };
        let (one, other) = (signs(&one), signs(&other));
        let correlation = |left: &[f64], right: &[f64]| {
            let products = left.iter().zip(right).map(|(l, r)| l * r);
            products.sum::<f64>() / (left.len() as f64).sqrt()
        };
        assert!(correlation(&one, &other).abs() < 5.0);
        for distance in [1, 2, LANES, BLOCK, 2 * BLOCK, TASK] {
            let shifted = &one[distance..];
            let correlation = correlation(&one[..shifted.len()], shifted);
            assert!(correlation.abs() < 5.0, "{distance}: {correlation}");
        }
    }

    #[test]
    fn a_seed_repeats_the_mask() {
        static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let _alone = ALONE.lock();
        let draw = || {
            Flex::seed(&Default::default(), 5);
            forward(ones(1000), 0.5).0
        };
        let [first, second] = [draw(), draw()];
        assert!(first.storage::<f32>() == second.storage::<f32>());
    }
}
