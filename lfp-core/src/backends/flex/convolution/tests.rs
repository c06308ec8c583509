//! Every pass against sums in f64, for each algorithm.

use std::cell::Cell;

use burn_core::{backend::ops::ConvOptions, tensor::TensorData};
use burn_flex::FlexTensor;

use super::{
    Algorithm, Geometry, Pass, bias_gradient, choose, forward, input_gradient, input_rewards,
    weight_gradient,
};
use crate::backends::flex::{
    measure::{fastest, random_spikes},
    vectors::forced::for_each_instruction_set,
};

thread_local! {
    static ALLOWED: Cell<Option<Algorithm>> = const { Cell::new(None) };
}

/// What this thread allows in place of the environment.
pub(super) fn allowed() -> Option<Algorithm> {
    ALLOWED.get()
}

/// Calls `run` with each algorithm that may be chosen at most.
fn for_each_algorithm(run: impl Fn()) {
    for algorithm in [
        Algorithm::Gather,
        Algorithm::Winograd,
        Algorithm::Direct,
        Algorithm::Lowered,
    ] {
        ALLOWED.set(Some(algorithm));
        run();
        ALLOWED.set(None);
    }
}

/// Numbers in [-1, 1], different for each seed.
fn values(len: usize, seed: usize) -> Vec<f32> {
    let value = |index: usize| (((index * index + seed) as f64) * 0.37).sin() as f32;
    (0..len).map(value).collect()
}

fn tensor(shape: [usize; 4], seed: usize) -> FlexTensor {
    super::tensor(values(shape.iter().product(), seed), shape)
}

fn vector(len: usize, seed: usize) -> FlexTensor {
    super::tensor(values(len, seed), [len])
}

/// Calls `visit` with the indices of output, input and weight of each product.
fn for_each_product(geometry: &Geometry, mut visit: impl FnMut([usize; 3])) {
    let Geometry {
        samples,
        from,
        to,
        groups,
        ..
    } = *geometry;
    let (from_group, to_group) = (from / groups, to / groups);
    let source = |axis: usize, out: usize, tap: usize| {
        let ahead = out * geometry.stride[axis] + tap * geometry.dilation[axis];
        let source = ahead.checked_sub(geometry.padding[axis])?;
        (source < geometry.size[axis]).then_some(source)
    };
    for line in 0..samples * to * geometry.out_size[0] {
        let (plane, out_y) = (line / geometry.out_size[0], line % geometry.out_size[0]);
        let (sample, channel) = (plane / to, plane % to);
        for out_x in 0..geometry.out_size[1] {
            for term in 0..from_group * geometry.taps() {
                let (input, tap) = (term / geometry.taps(), term % geometry.taps());
                let (tap_y, tap_x) = (tap / geometry.kernel[1], tap % geometry.kernel[1]);
                let (Some(y), Some(x)) = (source(0, out_y, tap_y), source(1, out_x, tap_x)) else {
                    continue;
                };
                let input = sample * from + channel / to_group * from_group + input;
                visit([
                    line * geometry.out_size[1] + out_x,
                    (input * geometry.size[0] + y) * geometry.size[1] + x,
                    channel * from_group * geometry.taps() + term,
                ]);
            }
        }
    }
}

/// Asserts equality to a fraction of the largest magnitude.
fn assert_near(name: &str, ours: &FlexTensor, expected: &[f64], tolerance: f64) {
    let ours: &[f32] = ours.storage();
    assert_eq!(ours.len(), expected.len(), "{name}");
    let largest = expected
        .iter()
        .fold(0.0, |most: f64, value| most.max(value.abs()));
    let errors = ours
        .iter()
        .zip(expected)
        .map(|(&ours, value)| (f64::from(ours) - value).abs());
    let worst = errors.fold(0.0, f64::max) / largest.max(f64::MIN_POSITIVE);
    assert!(
        worst <= tolerance,
        "{name}: error {worst:.1e} of the largest magnitude"
    );
}

/// The largest error in f32, as a fraction of the largest magnitude, that an ordinary sum may have.
const TOLERANCE: f64 = 1e-5;

/// Zeros, and a quarter of ones.
fn spikes(shape: [usize; 4]) -> FlexTensor {
    let spikes = values(shape.iter().product(), 5);
    let spikes = spikes.iter().map(|&value| f32::from(value > 0.7));
    super::tensor(spikes.collect(), shape)
}

/// A convolution: `[samples, from, height, width]`, `[to, height, width]` of the weights, options.
fn assert_exact(input: [usize; 4], weights: [usize; 3], options: &ConvOptions<2>) {
    assert_exact_of(&tensor(input, 1), weights, options);
}

fn assert_exact_of(x: &FlexTensor, [to, height, width]: [usize; 3], options: &ConvOptions<2>) {
    let input = x.layout().shape().dims();
    let name = format!("{input:?}, {to} x {height} x {width}, {options:?}");
    let weight_shape = [to, input[1] / options.groups, height, width];
    let (weight, bias) = (tensor(weight_shape, 2), vector(to, 3));
    let geometry = Geometry::new(input, weight_shape, options).unwrap();
    let grad = tensor(geometry.output_shape(), 4);
    let pixels = geometry.out_pixels();
    let [inputs, weights, grads, biases] =
        [x, &weight, &grad, &bias].map(|tensor| tensor.storage::<f32>());
    let bias_of = |output: usize| f64::from(biases[output / pixels % to]);
    let mut outputs: Vec<f64> = (0..grads.len()).map(bias_of).collect();
    let mut of_input = vec![0.0; inputs.len()];
    let mut of_weight = vec![0.0; weights.len()];
    for_each_product(&geometry, |[output, input, weight]| {
        let [x, w, g] = [inputs[input], weights[weight], grads[output]].map(f64::from);
        outputs[output] += x * w;
        of_input[input] += g * w;
        of_weight[weight] += g * x;
    });
    let rewards = |quotients: &[f64]| -> Vec<f64> {
        let rewards = inputs.iter().zip(quotients);
        rewards
            .map(|(&x, quotient)| f64::from(x) * quotient)
            .collect()
    };
    let expected_rewards = rewards(&of_input);
    for_each_algorithm(|| {
        let name = format!("{name}, {:?}", allowed());
        let output = forward(x, &weight, Some(&bias), options).expect(&name);
        assert_near(&format!("output, {name}"), &output, &outputs, TOLERANCE);
        let below = input_gradient(input, &weight, &grad, options).expect(&name);
        assert_near(&format!("input, {name}"), &below, &of_input, TOLERANCE);
        let below = input_rewards(x, &weight, &grad, options).expect(&name);
        let quotients = below.storage::<f32>().iter().map(|&value| f64::from(value));
        let rewards = rewards(&quotients.collect::<Vec<_>>());
        let rewards = rewards.iter().map(|&reward| reward as f32).collect();
        let rewards = super::tensor(rewards, input);
        assert_near(
            &format!("rewards, {name}"),
            &rewards,
            &expected_rewards,
            TOLERANCE,
        );
        let gradient = weight_gradient(x, weight_shape, &grad, options).expect(&name);
        assert_near(
            &format!("weights, {name}"),
            &gradient,
            &of_weight,
            TOLERANCE,
        );
    });
}

fn options(
    stride: usize,
    padding: [(usize, usize); 2],
    dilation: usize,
    groups: usize,
) -> ConvOptions<2> {
    ConvOptions::new_with_padding([stride; 2], padding, [dilation; 2], groups)
}

const SAME: [(usize, usize); 2] = [(1, 1); 2];
const NONE: [(usize, usize); 2] = [(0, 0); 2];

#[test]
fn winograds_algorithm_equals_the_sums() {
    // One tile, whole tiles, borders of every width; one to several blocks of channels.
    for size in 1..10 {
        assert_exact([2, 12, size, size], [12, 3, 3], &options(1, SAME, 1, 1));
    }
    assert_exact([3, 16, 8, 12], [32, 3, 3], &options(1, SAME, 1, 1));
    assert_exact([3, 33, 9, 6], [49, 3, 3], &options(1, SAME, 1, 1));
    // No padding, other padding before than after, more than one pixel.
    assert_exact([2, 20, 7, 10], [17, 3, 3], &options(1, NONE, 1, 1));
    assert_exact(
        [2, 20, 7, 10],
        [17, 3, 3],
        &options(1, [(2, 0), (0, 2)], 1, 1),
    );
    assert_exact([2, 20, 3, 3], [17, 3, 3], &options(1, [(2, 2); 2], 1, 1));
    // Several blocks of tiles; several groups of output channels.
    assert_exact([5, 16, 40, 44], [16, 3, 3], &options(1, SAME, 1, 1));
    assert_exact([1, 530, 4, 4], [530, 3, 3], &options(1, SAME, 1, 1));
    // Many channels and few tiles, whose transformed weights and sums are not kept.
    assert_exact([3, 257, 9, 7], [259, 3, 3], &options(1, SAME, 1, 1));
    assert_exact(
        [2, 258, 5, 6],
        [257, 3, 3],
        &options(1, [(2, 0), (0, 2)], 1, 1),
    );
}

#[test]
fn the_direct_algorithm_and_patches_equal_the_sums() {
    // Few channels; other kernels; many samples together; bands of a large image.
    assert_exact([2, 3, 8, 8], [9, 3, 3], &options(1, SAME, 1, 1));
    assert_exact([37, 5, 6, 7], [9, 5, 5], &options(1, [(2, 2); 2], 1, 1));
    assert_exact([2, 3, 70, 50], [8, 7, 7], &options(2, [(3, 3); 2], 1, 1));
    assert_exact(
        [1, 2, 3, 1500],
        [2, 1, 5],
        &options(1, [(0, 0), (2, 2)], 1, 1),
    );
    // Strides, that divide the size or not, or exceed the kernel.
    assert_exact([3, 13, 9, 8], [14, 3, 3], &options(2, SAME, 1, 1));
    assert_exact([3, 4, 9, 8], [6, 3, 2], &options(2, NONE, 1, 1));
    assert_exact([3, 4, 11, 10], [6, 2, 2], &options(3, NONE, 1, 1));
    assert_exact([4, 130, 5, 5], [3, 1, 1], &options(2, NONE, 1, 1));
    // One tap, with and without padding.
    assert_exact([4, 70, 6, 5], [30, 1, 1], &options(1, NONE, 1, 1));
    assert_exact([4, 7, 6, 5], [3, 1, 1], &options(1, SAME, 1, 1));
    // Dilation, with strides, asymmetric padding, more padding than image.
    assert_exact([3, 14, 12, 11], [16, 3, 3], &options(1, [(2, 2); 2], 2, 1));
    assert_exact(
        [2, 3, 13, 12],
        [5, 3, 3],
        &options(2, [(2, 1), (0, 2)], 3, 1),
    );
    assert_exact([2, 3, 5, 5], [2, 3, 3], &options(1, [(2, 0), (1, 2)], 1, 1));
    assert_exact([2, 3, 2, 2], [2, 5, 5], &options(1, [(4, 4); 2], 1, 1));
    // Groups.
    assert_exact([2, 24, 6, 6], [36, 3, 3], &options(1, SAME, 1, 2));
    assert_exact([2, 6, 7, 6], [9, 3, 3], &options(2, SAME, 1, 3));
    // One of everything.
    assert_exact([1, 1, 1, 1], [1, 1, 1], &options(1, NONE, 1, 1));
}

#[test]
fn sums_of_spikes_equal_the_products() {
    let assert_exact = |input: [usize; 4], weights, options: &ConvOptions<2>| {
        assert_exact_of(&spikes(input), weights, options);
    };
    for_each_instruction_set(|| {
        // Channels that fill vectors and channels that do not; several tasks.
        assert_exact([19, 12, 12, 12], [64, 5, 5], &options(1, NONE, 1, 1));
        assert_exact([3, 5, 7, 6], [19, 3, 3], &options(1, SAME, 1, 1));
    });
    // Padding on one side, and more than the kernel reaches; kernels that are not square, or as large as the image.
    assert_exact([2, 3, 6, 9], [4, 3, 5], &options(1, [(2, 0), (0, 3)], 1, 1));
    assert_exact([2, 3, 2, 2], [5, 3, 3], &options(1, [(4, 4); 2], 1, 1));
    assert_exact([2, 3, 5, 4], [5, 5, 4], &options(1, NONE, 1, 1));
    assert_exact([2, 3, 5, 4], [5, 1, 1], &options(1, NONE, 1, 1));
    // Where spikes are not gathered: strides, dilation, groups.
    assert_exact([2, 4, 9, 8], [6, 3, 3], &options(2, SAME, 1, 1));
    assert_exact([2, 4, 9, 8], [6, 3, 3], &options(1, SAME, 2, 2));
}

#[test]
fn the_bias_gradient_is_the_sum_over_samples_and_positions() {
    // Planes of whole vectors and with a rest; several blocks of a plane, several tasks.
    for shape in [[3, 5, 4, 4], [2, 3, 9, 7], [1, 2, 90, 50], [128, 70, 8, 8]] {
        let grad = tensor(shape, 1);
        let sums = bias_gradient(&grad).unwrap();
        let planes: Vec<&[f32]> = grad.storage().chunks_exact(shape[2] * shape[3]).collect();
        for (channel, &sum) in sums.storage::<f32>().iter().enumerate() {
            let of_channel = planes.iter().skip(channel).step_by(shape[1]);
            let values = of_channel.flat_map(|plane| plane.iter().copied().map(f64::from));
            let (exact, size) = values.fold((0.0, 0.0), |(sum, size), value| {
                (sum + value, size + value.abs())
            });
            let error = (f64::from(sum) - exact).abs();
            assert!(
                error <= 1e-7 * size,
                "{shape:?}, channel {channel}: {error}"
            );
        }
    }
    // What is not contiguous is read in its order.
    let grad = tensor([4, 2, 5, 7], 1);
    let swapped = bias_gradient(&grad.transpose(0, 1)).unwrap();
    let copied = bias_gradient(&grad.transpose(0, 1).to_contiguous()).unwrap();
    assert_eq!(swapped.storage::<f32>(), copied.storage::<f32>());
    assert_eq!(swapped.layout().shape().dims(), [4]);
    // With few pixels Burn's own is faster.
    assert!(bias_gradient(&tensor([9, 8, 1, 1], 1)).is_none());
}

#[test]
fn spikes_are_gathered_whatever_the_shape_and_other_inputs_are_not() {
    let options = options(1, SAME, 1, 1);
    let chosen = |x: &FlexTensor| {
        let shapes = [x.layout().shape().dims(), [16, 16, 3, 3]];
        choose(Pass::Forward, shapes, &options, Some(x), &[]).map(|(_, algorithm)| algorithm)
    };
    let shape = [2, 16, 8, 8];
    assert_eq!(chosen(&spikes(shape)), Some(Algorithm::Gather));
    assert_eq!(chosen(&tensor(shape, 1)), Some(Algorithm::Winograd));
}

/// The 512 channels of a ResNet's last stage, on both sides: the longest sums of its kind.
#[test]
fn the_error_on_512_channels_is_at_most_a_hundred_thousandth() {
    assert_exact([1, 512, 7, 7], [512, 3, 3], &options(1, SAME, 1, 1));
    assert_exact([8, 16, 32, 32], [16, 3, 3], &options(1, SAME, 1, 1));
}

/// Vectors of 16, 8 and 1 lanes: channels that fill them and channels that do not, tiles that the image cuts.
#[test]
fn every_instruction_set_gives_the_sums() {
    for_each_instruction_set(|| {
        assert_exact([2, 32, 8, 8], [32, 3, 3], &options(1, SAME, 1, 1));
        assert_exact([3, 33, 9, 6], [49, 3, 3], &options(1, SAME, 1, 1));
        assert_exact(
            [2, 20, 7, 10],
            [17, 3, 3],
            &options(1, [(2, 0), (0, 2)], 1, 1),
        );
        assert_exact([3, 120, 5, 9], [260, 3, 3], &options(1, SAME, 1, 1));
        // Without Winograd's algorithm; one output channel, more than a tile.
        assert_exact([5, 3, 9, 7], [1, 5, 5], &options(1, [(2, 2); 2], 1, 1));
        assert_exact([5, 3, 9, 7], [21, 3, 3], &options(2, SAME, 1, 1));
    });
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let bits = |threads: usize, [from, to]: [usize; 2], options: &ConvOptions<2>| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let algorithm = allowed();
        pool.unwrap().install(|| {
            ALLOWED.set(algorithm);
            let input = [9, from, 13, 11];
            let x = match allowed() {
                Some(Algorithm::Gather) => spikes(input),
                _ => tensor(input, 1),
            };
            let weight = tensor([to, from, 3, 3], 2);
            let output = forward(&x, &weight, None, options).unwrap();
            let grad = tensor(output.layout().shape().dims(), 3);
            let below = input_gradient(input, &weight, &grad, options).unwrap();
            let rewards = input_rewards(&x, &weight, &grad, options).unwrap();
            let gradient = weight_gradient(&x, [to, from, 3, 3], &grad, options).unwrap();
            [output, below, rewards, gradient].map(|tensor| tensor.storage::<f32>().to_vec())
        })
    };
    for_each_algorithm(|| {
        for (channels, stride) in [([40, 50], 1), ([40, 50], 2), ([120, 260], 1)] {
            let options = options(stride, SAME, 1, 1);
            let alone = bits(1, channels, &options);
            for threads in [2, 3, 8] {
                let same = bits(threads, channels, &options) == alone;
                assert!(same, "{threads} threads, {options:?}, {:?}", allowed());
            }
        }
    });
}

/// Which algorithm computes the layers of well-known networks.
#[test]
fn the_algorithm_follows_from_the_shape() {
    let chosen = |pass, input, weight, options: &ConvOptions<2>| {
        choose(pass, [input, weight], options, None, &[]).map(|(_, algorithm)| algorithm)
    };
    let (valid, same, half) = (
        options(1, NONE, 1, 1),
        options(1, SAME, 1, 1),
        options(2, SAME, 1, 1),
    );
    let stem = options(2, [(3, 3); 2], 1, 1);
    use {Algorithm::*, Pass::*};
    for (pass, input, weight, options, expected) in [
        // LeNet; its input gradient would multiply mostly zeros.
        (Forward, [128, 1, 28, 28], [16, 1, 5, 5], &valid, Direct),
        (Forward, [128, 16, 12, 12], [16, 16, 5, 5], &valid, Direct),
        (
            InputGradient,
            [128, 16, 12, 12],
            [16, 16, 5, 5],
            &valid,
            Lowered,
        ),
        (
            WeightGradient,
            [128, 16, 12, 12],
            [16, 16, 5, 5],
            &valid,
            Direct,
        ),
        // ResNet: stem, stage, downsampling, shortcut.
        (Forward, [8, 3, 224, 224], [64, 3, 7, 7], &stem, Direct),
        (
            InputGradient,
            [8, 3, 224, 224],
            [64, 3, 7, 7],
            &stem,
            Lowered,
        ),
        (Forward, [8, 64, 56, 56], [64, 64, 3, 3], &same, Winograd),
        (Forward, [8, 64, 56, 56], [128, 64, 3, 3], &half, Lowered),
        (
            WeightGradient,
            [8, 64, 56, 56],
            [128, 64, 3, 3],
            &half,
            Lowered,
        ),
        (Forward, [8, 256, 14, 14], [512, 256, 3, 3], &half, Lowered),
        (Forward, [8, 256, 14, 14], [512, 256, 1, 1], &half, Lowered),
    ] {
        assert_eq!(
            chosen(pass, input, weight, options),
            Some(expected),
            "{input:?}, {weight:?}"
        );
    }
}

#[test]
fn planes_without_pixels_are_left_to_burn() {
    let same = options(1, SAME, 1, 1);
    for input in [[0, 3, 9, 9], [2, 3, 0, 9], [2, 3, 9, 0]] {
        for pass in [Pass::Forward, Pass::InputGradient, Pass::WeightGradient] {
            let chosen = choose(pass, [input, [4, 3, 3, 3]], &same, None, &[]);
            assert!(chosen.is_none(), "{input:?}");
        }
    }
}

#[test]
fn a_transposed_input_is_read_in_its_own_order() {
    let x = tensor([2, 13, 6, 5], 1);
    let (weight, options) = (tensor([14, 13, 3, 3], 2), options(1, SAME, 1, 1));
    let turned = x.transpose(2, 3);
    let copied = turned.to_contiguous();
    let [of_view, of_copy] = [turned, copied].map(|x| forward(&x, &weight, None, &options));
    let [of_view, of_copy] = [of_view.unwrap(), of_copy.unwrap()];
    assert_eq!(of_view.storage::<f32>(), of_copy.storage::<f32>());
}

#[test]
fn burns_own_kernels_serve_what_is_left() {
    let shapes = [[2, 4, 6, 6], [4, 1, 3, 3]];
    assert_eq!(
        choose(Pass::Forward, shapes, &options(1, SAME, 1, 4), None, &[]),
        None,
        "depthwise"
    );
    let shapes = [[2, 4, 6, 6], [4, 4, 3, 3]];
    let double = FlexTensor::from_data(TensorData::from([1.0f64]));
    let same = options(1, SAME, 1, 1);
    assert_eq!(
        choose(Pass::Forward, shapes, &same, None, &[Some(&double)]),
        None,
        "f64"
    );
    assert!(choose(Pass::Forward, shapes, &same, None, &[]).is_some());
    let shapes = [[0, 4, 6, 6], [4, 4, 3, 3]];
    assert_eq!(
        choose(Pass::Forward, shapes, &same, None, &[]),
        None,
        "no samples"
    );
    let shapes = [[1, 4, 1, 1], [4, 4, 3, 3]];
    assert_eq!(
        choose(Pass::Forward, shapes, &options(1, NONE, 1, 1), None, &[]),
        None,
        "kernel larger than the image"
    );
}

/// Milliseconds of a pass that is computed here, and not left to Burn.
fn fastest_of<T>(pass: impl Fn() -> Option<T>) -> f64 {
    fastest(|| pass().unwrap())
}

/// Milliseconds of each pass for the layers of well-known networks, and direct products per second, in billions (twice as many
/// operations): `cargo test -p lfp-core --lib by_layer -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn by_layer() {
    let layers = [
        (
            "vgg-like 1",
            [128, 3, 32, 32],
            [32, 3],
            options(1, SAME, 1, 1),
        ),
        (
            "vgg-like 2",
            [128, 32, 32, 32],
            [64, 3],
            options(1, SAME, 1, 1),
        ),
        (
            "vgg-like 3",
            [128, 64, 16, 16],
            [128, 3],
            options(1, SAME, 1, 1),
        ),
        (
            "vgg-like 4",
            [128, 128, 16, 16],
            [128, 3],
            options(1, SAME, 1, 1),
        ),
        (
            "vgg-like 5",
            [128, 128, 8, 8],
            [256, 3],
            options(1, SAME, 1, 1),
        ),
        (
            "vgg-like 6",
            [128, 256, 8, 8],
            [256, 3],
            options(1, SAME, 1, 1),
        ),
        (
            "resnet18 stem",
            [8, 3, 224, 224],
            [64, 7],
            options(2, [(3, 3); 2], 1, 1),
        ),
        (
            "resnet18 1",
            [8, 64, 56, 56],
            [64, 3],
            options(1, SAME, 1, 1),
        ),
        (
            "resnet18 2 down",
            [8, 64, 56, 56],
            [128, 3],
            options(2, SAME, 1, 1),
        ),
        (
            "resnet18 2 short",
            [8, 64, 56, 56],
            [128, 1],
            options(2, NONE, 1, 1),
        ),
        (
            "resnet18 2",
            [8, 128, 28, 28],
            [128, 3],
            options(1, SAME, 1, 1),
        ),
        (
            "resnet18 3 down",
            [8, 128, 28, 28],
            [256, 3],
            options(2, SAME, 1, 1),
        ),
        (
            "resnet18 3",
            [8, 256, 14, 14],
            [256, 3],
            options(1, SAME, 1, 1),
        ),
        (
            "resnet18 4 down",
            [8, 256, 14, 14],
            [512, 3],
            options(2, SAME, 1, 1),
        ),
        (
            "resnet18 4",
            [8, 512, 7, 7],
            [512, 3],
            options(1, SAME, 1, 1),
        ),
        (
            "lenet 2",
            [128, 16, 12, 12],
            [16, 5],
            options(1, NONE, 1, 1),
        ),
    ];
    for (name, input, [to, kernel], options) in layers {
        let weight_shape = [to, input[1], kernel, kernel];
        let (x, weight) = (tensor(input, 1), tensor(weight_shape, 2));
        let geometry = Geometry::new(input, weight_shape, &options).unwrap();
        let grad = tensor(geometry.output_shape(), 4);
        let products =
            geometry.output_shape().iter().product::<usize>() * input[1] * geometry.taps();
        let timed = |milliseconds: f64| {
            let billions = products as f64 / milliseconds * 1e-6;
            format!("{milliseconds:7.2} ms {billions:6.1} G/s")
        };
        println!(
            "{name:16} {} | {} | {}",
            timed(fastest_of(|| forward(&x, &weight, None, &options))),
            timed(fastest_of(|| input_gradient(
                input, &weight, &grad, &options
            ))),
            timed(fastest_of(|| weight_gradient(
                &x,
                weight_shape,
                &grad,
                &options
            ))),
        );
    }
}

/// The same for the second convolution of the spiking LeNet, by firing rate, gathered and multiplied: output, input rewards, input
/// gradient, weight gradient.
#[test]
#[ignore = "a measurement"]
fn by_firing_rate() {
    let (input, weight_shape) = ([1920, 12, 12, 12], [64, 12, 5, 5]);
    let options = options(1, NONE, 1, 1);
    let weight = tensor(weight_shape, 2);
    let geometry = Geometry::new(input, weight_shape, &options).unwrap();
    let grad = tensor(geometry.output_shape(), 4);
    for rate in [0.02, 0.1, 0.2, 0.29] {
        let x = super::tensor(random_spikes(input.iter().product(), rate), input);
        for algorithm in [Algorithm::Gather, Algorithm::Winograd] {
            ALLOWED.set(Some(algorithm));
            println!(
                "{rate} {algorithm:?}: {:6.1} {:6.1} {:6.1} {:6.1} ms",
                fastest_of(|| forward(&x, &weight, None, &options)),
                fastest_of(|| input_rewards(&x, &weight, &grad, &options)),
                fastest_of(|| input_gradient(input, &weight, &grad, &options)),
                fastest_of(|| weight_gradient(&x, weight_shape, &grad, &options)),
            );
            ALLOWED.set(None);
        }
    }
}
