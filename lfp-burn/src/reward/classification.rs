//! The frame of the rewards of Table 2: logits and labels of any rank, two classes by one output, labels that are no class.

use burn::tensor::{Bool, Int, Tensor};

use super::{Reduction, RewardError, signed::signed};

/// The samples of a batch, off the tape.
pub(super) struct Samples {
    /// `[samples, classes]`, or `[samples, 1]` for two classes by one output.
    pub(super) logits: Tensor<2>,
    /// `[samples, 1]`.
    labels: Tensor<2, Int>,
}

impl Samples {
    pub(super) fn new<const D: usize, const L: usize>(
        logits: Tensor<D>,
        labels: Tensor<L, Int>,
    ) -> Self {
        let shape = logits.dims();
        assert!(
            shape[..D - 1] == labels.dims(),
            "labels: expected {:?}, one for each sample of the logits {shape:?}, found {:?}",
            &shape[..D - 1],
            labels.dims()
        );
        let outputs = shape[D - 1];
        let samples = shape[..D - 1].iter().product();
        Self {
            logits: logits.inner().reshape([samples, outputs]),
            labels: labels.inner().reshape([samples, 1]),
        }
    }

    /// Whether one output stands for two classes.
    pub(super) fn is_binary(&self) -> bool {
        self.logits.dims()[1] == 1
    }

    /// `[samples, 1]`
    pub(super) fn labels(&self) -> Tensor<2, Int> {
        self.labels.clone()
    }

    fn classes(&self) -> usize {
        self.logits.dims()[1].max(2)
    }

    /// Where the true class is, `[samples, outputs]`; for one output where the label is 1.
    ///
    /// (Burn's `one_hot` reads the labels back to check them, so every step would wait for the device.)
    pub(super) fn is_target(&self) -> Tensor<2, Bool> {
        if self.is_binary() {
            return self.labels.clone().equal_elem(1);
        }
        let outputs = self.logits.dims()[1] as i64;
        let classes = Tensor::<1, Int>::arange(0..outputs, &self.labels.device());
        let classes = classes.cast(self.labels.dtype()).unsqueeze::<2>();
        self.labels.clone().equal(classes)
    }

    /// 1 at the true class and 0 elsewhere, in the type of the logits.
    pub(super) fn one_hot(&self) -> Tensor<2> {
        self.logits.zeros_like().mask_fill(self.is_target(), 1.0)
    }

    /// The logit of the true class, `[samples, 1]`; an arbitrary one for a label that is no class.
    pub(super) fn target_logit(&self) -> Tensor<2> {
        let last = self.logits.dims()[1] as i64 - 1;
        let index = self.labels.clone().clamp(0, last);
        self.logits.clone().gather(1, index)
    }

    /// For one output: whether it chooses the right class, `[samples, 1]`.
    pub(super) fn is_right(&self) -> Tensor<2, Bool> {
        let chosen = self.logits.clone().greater_equal_elem(0.0);
        chosen.equal(self.is_target())
    }

    /// The reward of a `rating` for the outcomes in `rated`, and 0 for the others (Eq. 12).
    pub(super) fn rated(&self, rated: Tensor<2, Bool>, rating: f64) -> Tensor<2> {
        let ratings = self.logits.zeros_like().mask_fill(rated, rating);
        signed(self.logits.clone(), ratings)
    }

    /// Labels that are no class, `[samples, 1]`.
    fn is_unknown(&self) -> Tensor<2, Bool> {
        let last = self.classes() as i64 - 1;
        let below = self.labels.clone().lower_elem(0);
        below.bool_or(self.labels.clone().greater_elem(last))
    }

    /// The rewards of all samples, `[samples, outputs]`, combined; 0 for labels that are no class.
    pub(super) fn reduce(&self, rewards: Tensor<2>, reduction: Reduction) -> Tensor<2> {
        let unknown = self.is_unknown();
        let rewards = rewards.mask_fill(unknown.clone().expand(self.logits.dims()), 0.0);
        match reduction {
            Reduction::Sum => rewards,
            Reduction::Mean => {
                let known = unknown.bool_not().int().sum().clamp_min(1).float();
                rewards / known.cast(self.logits.dtype()).unsqueeze()
            }
        }
    }

    /// Checks the labels. Reads back from the device.
    pub(super) fn check(&self) -> Result<(), RewardError> {
        let classes = self.classes();
        let labels = self.labels.to_data();
        let known = |label: &i64| (0..classes as i64).contains(label);
        match labels.iter::<i64>().find(|label| !known(label)) {
            Some(label) => Err(RewardError::Label { label, classes }),
            None => Ok(()),
        }
    }
}

/// A reward of classification, sample by sample.
pub(super) trait PerSample {
    fn reduction(&self) -> Reduction;

    /// `[samples, outputs]`, neither combined nor masked.
    fn rewards(&self, samples: &Samples) -> Tensor<2>;
}

/// Implements [`Reward`](super::Reward) of a [`PerSample`] reward for logits of rank 2 to 4.
macro_rules! classification_reward {
    ($reward:ty) => {
        $crate::reward::classification::classification_reward!($reward: 2 1, 3 2, 4 3);
    };
    ($reward:ty: $($rank:literal $labels:literal),*) => {$(
        impl $crate::reward::Reward<$rank, burn::tensor::Tensor<$labels, burn::tensor::Int>> for $reward {
            fn forward(
                &self,
                outputs: burn::tensor::Tensor<$rank>,
                targets: burn::tensor::Tensor<$labels, burn::tensor::Int>,
            ) -> burn::tensor::Tensor<$rank> {
                let shape = outputs.dims();
                let samples = $crate::reward::classification::Samples::new(outputs, targets);
                let rewards = samples.reduce(self.rewards(&samples), self.reduction());
                rewards.reshape(shape)
            }

            fn try_forward(
                &self,
                outputs: burn::tensor::Tensor<$rank>,
                targets: burn::tensor::Tensor<$labels, burn::tensor::Int>,
            ) -> Result<burn::tensor::Tensor<$rank>, $crate::reward::RewardError> {
                let samples = $crate::reward::classification::Samples::new(
                    outputs.clone(),
                    targets.clone(),
                );
                samples.check()?;
                $crate::reward::finite(self.forward(outputs, targets))
            }
        }
    )*};
}

pub(super) use classification_reward;
