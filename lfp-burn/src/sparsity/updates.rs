//! The share of parameters that a training step moves.

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::{Int, Tensor},
};

/// The fraction of `model`'s trainable parameters whose update is not exactly zero, as a tensor `[1]`, so that the device need
/// not synchronise. A parameter without an update counts as not moved. `None` for a model without parameters.
///
/// # Example
///
/// ```
/// use burn::nn::LinearConfig;
/// use burn::tensor::{Device, Tensor};
/// use lfp_burn::{Propagate, sparsity::updated_share};
///
/// let device = Device::default().autodiff();
/// let model = LinearConfig::new(2, 2).with_bias(false).init(&device);
/// // The second input is zero, so its two weights get no update.
/// let outputs = model.forward(Tensor::<2>::from_floats([[1.0, 0.0]], &device));
/// let grads = outputs.clone().propagate(outputs.ones_like()).into_grads(&model);
/// let share = updated_share(&grads, &model).unwrap();
/// assert_eq!(share.into_scalar::<f32>(), 0.5);
/// ```
pub fn updated_share<M: Module>(updates: &GradientsParams, model: &M) -> Option<Tensor<1>> {
    let mut count = Moved {
        updates,
        moved: None,
        all: 0,
    };
    model.visit(&mut count);
    let all = count.all as f64;
    count.moved.map(|moved| moved.float().div_scalar(all))
}

struct Moved<'a> {
    updates: &'a GradientsParams,
    moved: Option<Tensor<1, Int>>,
    all: usize,
}

impl ModuleVisitor for Moved<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        // Visitors also see running statistics, which no update moves.
        if !param.is_require_grad() {
            return;
        }
        self.all += param.shape().num_elements();
        let moved = match self.updates.get::<D>(param.id) {
            Some(update) => update.not_equal_elem(0.0).int().sum(),
            None => Tensor::zeros([1], &param.val().device().inner()),
        };
        self.moved = Some(match self.moved.take() {
            Some(sum) => sum + moved,
            None => moved,
        });
    }
}

#[cfg(feature = "metrics")]
mod metric {
    use std::sync::Arc;

    use burn::{
        tensor::{Tensor, TensorReadError},
        train::metric::{
            Metric, MetricAttributes, MetricMetadata, MetricName, Numeric, NumericAttributes,
            NumericEntry, SerializedEntry,
            state::{FormatOptions, NumericMetricState},
        },
    };

    /// The input of [`UpdatedShareMetric`]: the share of a step, `[1]`, by [`updated_share`](super::updated_share).
    #[derive(Clone, Debug)]
    pub struct UpdatedShareInput {
        /// The share, from 0 to 1.
        pub share: Tensor<1>,
    }

    /// The share of parameters that training steps move, in per cent, for Burn's `Learner`.
    #[derive(Clone)]
    pub struct UpdatedShareMetric {
        name: MetricName,
        state: NumericMetricState,
    }

    impl Default for UpdatedShareMetric {
        fn default() -> Self {
            Self {
                name: Arc::new("Updated parameters".to_owned()),
                state: NumericMetricState::default(),
            }
        }
    }

    impl Metric for UpdatedShareMetric {
        type Input = UpdatedShareInput;

        fn name(&self) -> MetricName {
            self.name.clone()
        }

        fn attributes(&self) -> MetricAttributes {
            NumericAttributes {
                unit: Some("%".to_owned()),
                higher_is_better: false,
            }
            .into()
        }

        fn update(
            &mut self,
            input: &UpdatedShareInput,
            _: &MetricMetadata,
        ) -> Result<SerializedEntry, TensorReadError> {
            let share = input.share.clone().try_into_scalar::<f64>()?;
            self.state.update(100.0 * share, 1);
            let format = FormatOptions::new(self.name()).unit("%").precision(2);
            Ok(self.state.compute_update(format))
        }

        fn compute(&mut self) -> Result<SerializedEntry, TensorReadError> {
            let format = FormatOptions::new(self.name()).unit("%").precision(2);
            Ok(self.state.compute_final(format))
        }

        fn clear(&mut self) {
            self.state.reset();
        }
    }

    impl Numeric for UpdatedShareMetric {
        fn value(&self) -> Option<NumericEntry> {
            Some(self.state.current_value())
        }

        fn running_value(&self) -> Option<NumericEntry> {
            Some(self.state.running_value())
        }

        fn final_value(&self) -> NumericEntry {
            self.state.final_value()
        }
    }
}

#[cfg(feature = "metrics")]
pub use metric::{UpdatedShareInput, UpdatedShareMetric};
