//! Trains a small transformer to add, by LFP: it reads `27+85=` and writes the sum, a character at a time.
//!
//! ```text
//! cargo run -p lfp-experiments --example arithmetic [-- lfp|gradient [STEPS]]
//! ```
//!
//! The reward is made from the loss of the next character ([`LossReward`]). Sums are written from the last digit (`27+85=211`
//! stands for 112), so that each digit depends on what stands before it. A tenth of all problems is kept for testing. At the
//! end the program shows how relevant each character was for the first digit of an answer.

use anyhow::{Result, bail};
use burn::{
    module::Module,
    nn::loss::CrossEntropyLossConfig,
    optim::{AdamWConfig, GradientsParams},
    tensor::{Device, Int, Tensor, TensorData},
};
use lfp_burn::{
    Propagate,
    optim::clip_global_norm,
    reward::{LossReward, Reward},
};
use lfp_models::{CharTransformer, CharTransformerConfig, initialized};
use rand::{RngExt, SeedableRng, rngs::StdRng};

const CHARACTERS: &str = "0123456789+=";
/// Characters of a problem, `27+85=`, and of its answer.
const PROBLEM: usize = 6;
const ANSWER: usize = 3;
const BATCH: usize = 128;
const SEED: u64 = 7240;

/// A sum of two numbers below 100.
#[derive(Clone, Copy)]
struct Sum(u32, u32);

impl Sum {
    fn draw(random: &mut StdRng, test: bool) -> Self {
        loop {
            let sum = Self(random.random_range(0..100), random.random_range(0..100));
            if sum.is_for_testing() == test {
                return sum;
            }
        }
    }

    /// A tenth of all problems. The hash spreads them, so that training has every pair of digits.
    fn is_for_testing(self) -> bool {
        let hash = (self.0 * 100 + self.1).wrapping_mul(0x9e37_79b1) >> 16;
        hash.is_multiple_of(10)
    }

    fn text(self) -> String {
        let answer: String = format!("{:03}", self.0 + self.1).chars().rev().collect();
        format!("{:02}+{:02}={answer}", self.0, self.1)
    }
}

/// Token ids of some texts of one length, `[texts, length]`.
fn tokens(texts: &[String], device: &Device) -> Tensor<2, Int> {
    let id = |character| CHARACTERS.find(character).unwrap_or_default() as i64;
    let ids: Vec<i64> = texts.iter().flat_map(|text| text.chars().map(id)).collect();
    let length = ids.len() / texts.len();
    Tensor::from_data(TensorData::new(ids, [texts.len(), length]), device)
}

/// Logits of the answer's characters, `[batch * ANSWER, characters]`, and the characters.
fn answers(model: &CharTransformer, texts: &Tensor<2, Int>) -> (Tensor<2>, Tensor<1, Int>) {
    let [_, length] = texts.dims();
    let logits = model.forward(texts.clone().narrow(1, 0, length - 1));
    let logits = logits.narrow(1, PROBLEM - 1, ANSWER).flatten(0, 1);
    let targets: Tensor<2, Int> = texts.clone().narrow(1, PROBLEM, ANSWER);
    (logits, targets.flatten(0, 1))
}

/// The cross-entropy of the next characters, summed.
fn loss(logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    let [count, _] = logits.dims();
    let mean = CrossEntropyLossConfig::new().init(&logits.device());
    mean.forward(logits, targets) * count as f64
}

fn updates(model: &CharTransformer, texts: &Tensor<2, Int>, by_lfp: bool) -> GradientsParams {
    let (logits, targets) = answers(model, texts);
    if by_lfp {
        let reward = LossReward::new(loss).forward(logits.clone(), targets);
        logits.propagate(reward).into_grads(model)
    } else {
        GradientsParams::from_grads(loss(logits, targets).backward(), model)
    }
}

/// The share of test problems whose whole answer is right.
fn accuracy(model: &CharTransformer, test: &Tensor<2, Int>) -> f64 {
    let [problems, _] = test.dims();
    let (logits, targets) = answers(&model.valid(), &test.clone().inner());
    let right = logits.argmax(1).squeeze_dim::<1>(1).equal(targets);
    let right = right.int().reshape([problems, ANSWER]).sum_dim(1);
    let all: i64 = right.equal_elem(ANSWER as i64).int().sum().into_scalar();
    all as f64 / problems as f64
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let by_lfp = match arguments.next().as_deref() {
        None | Some("lfp") => true,
        Some("gradient") => false,
        Some(other) => bail!("expected lfp or gradient, got {other}"),
    };
    let steps: usize = arguments.next().map_or(Ok(2000), |steps| steps.parse())?;

    let device = Device::default().autodiff();
    device.seed(SEED);
    let config = CharTransformerConfig::new(CHARACTERS.len(), PROBLEM + ANSWER);
    let mut model = initialized(config.init(&device)?);
    let mut optimizer = AdamWConfig::new().init();
    let mut random = StdRng::seed_from_u64(SEED);
    let mut batch = |count, test| {
        let texts: Vec<String> = (0..count)
            .map(|_| Sum::draw(&mut random, test).text())
            .collect();
        tokens(&texts, &device)
    };
    let test = batch(1000, true);
    for step in 1..=steps {
        let grads = updates(&model, &batch(BATCH, false), by_lfp);
        let grads = clip_global_norm(grads, &model, 3.0);
        // Warm-up over a tenth of the steps, then down to zero.
        let progress = step as f64 / steps as f64;
        let rate = (10.0 * progress).min((1.0 - progress) / 0.9);
        model = optimizer.step(3e-3 * rate, model, grads);
        if step % 200 == 0 || step == steps {
            println!(
                "step {step}: {:.1} % of the answers",
                100.0 * accuracy(&model, &test)
            );
        }
    }
    explain(&model, Sum(27, 85), &device)
}

/// Prints the relevance of each character of a problem for the first digit of its answer.
fn explain(model: &CharTransformer, sum: Sum, device: &Device) -> Result<()> {
    let text = sum.text();
    let (problem, answer) = text.split_at(PROBLEM);
    let next: Tensor<1, Int> = tokens(&[answer[..1].to_owned()], device).flatten(0, 1);
    let relevance = model.relevance(tokens(&[problem.to_owned()], device), next)?;
    println!(
        "relevance of each character of {problem} for the digit {}:",
        &answer[..1]
    );
    for (character, relevance) in problem.chars().zip(relevance.into_data().iter::<f32>()) {
        println!("  {character} {relevance:7.3}");
    }
    Ok(())
}
