//! The optimiser of a run: its kind, its defaults, and how it is built.

use burn::optim::{
    AdaGradConfig, AdamConfig, AdamWConfig, ModuleOptimizer, RmsPropConfig, SgdConfig,
    decay::WeightDecayConfig, momentum::MomentumConfig,
};
use clap::ValueEnum;
use lfp_burn::optim::{AdaptiveClipConfig, ClipError, Momentum};
use lfp_models::Model;
use serde::{Deserialize, Serialize};

use super::Settings;
use crate::objective::Method;

/// The optimiser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    /// SGD with momentum.
    Sgd,
    /// Adam; `--momentum` is its first beta.
    Adam,
    /// AdamW; `--momentum` is its first beta, `--weight-decay` is decoupled.
    #[value(name = "adamw")]
    AdamW,
    /// RMSprop with momentum.
    #[value(name = "rmsprop")]
    RmsProp,
    /// AdaGrad, which has no momentum.
    #[value(name = "adagrad")]
    AdaGrad,
}

impl Optimizer {
    /// Whether the optimiser has a momentum.
    pub fn has_momentum(self) -> bool {
        self != Self::AdaGrad
    }

    /// The default for a network: transformers hardly learn by SGD.
    pub fn of(model: Model) -> Self {
        match model.takes().attention {
            true => Self::AdamW,
            false => Self::Sgd,
        }
    }

    /// The default learning rate. For SGD and for AdamW on transformers the best that was measured (see the book), else
    /// PyTorch's.
    pub fn default_lr(self, model: Model, method: Method) -> f64 {
        let [channels, height, _] = model.spec().image_shape;
        match (self, method) {
            (Self::Sgd, Method::Lfp) if model.spikes() => 0.07,
            (Self::Sgd, Method::Gradient) if model.spikes() => 0.5,
            (Self::Sgd, _) if channels == 3 => 0.1,
            (Self::Sgd, _) => 0.05,
            // Networks of this size are fine-tuned.
            (Self::Adam | Self::AdamW, _) if model.takes().attention && height == 224 => 1e-4,
            (Self::Adam | Self::AdamW, Method::Lfp) if model.takes().attention => 5e-3,
            (Self::Adam | Self::AdamW, Method::Gradient) if model.takes().attention => 2e-3,
            (Self::Adam | Self::AdamW, _) => 1e-3,
            (Self::RmsProp | Self::AdaGrad, _) => 1e-2,
        }
    }

    /// The default momenta of OneCycle: for SGD on photographs those of PyTorch's `OneCycleLR`; networks for digits use a
    /// constant momentum in the book.
    pub(super) fn default_cycle(self, model: Model) -> Option<[f64; 2]> {
        let [channels, ..] = model.spec().image_shape;
        (self == Self::Sgd && channels == 3).then_some([0.85, 0.95])
    }
}

impl Settings {
    /// The optimiser with adaptive clipping, before its first step, and the momentum that it reads.
    ///
    /// # Errors
    ///
    /// If the limit of adaptive clipping is not finite.
    pub fn optimizer(&self) -> Result<(ModuleOptimizer, Momentum), ClipError> {
        let momentum = Momentum::new(self.momentum);
        let decay =
            (self.weight_decay > 0.0).then(|| WeightDecayConfig::new(self.weight_decay as f32));
        let decoupled = self.weight_decay as f32;
        let dampened = self.dampening;
        let optimizer = match self.optimizer {
            Optimizer::Sgd => self.clipped(momentum.drive(move |momentum| {
                let momentum = (momentum > 0.0).then(|| {
                    MomentumConfig::new()
                        .with_momentum(momentum)
                        .with_dampening(if dampened { momentum } else { 0.0 })
                });
                SgdConfig::new()
                    .with_momentum(momentum)
                    .with_weight_decay(decay.clone())
                    .build()
            })),
            Optimizer::Adam => self.clipped(momentum.drive(move |beta| {
                AdamConfig::new()
                    .with_beta_1(beta as f32)
                    .with_weight_decay(decay.clone())
                    .build()
            })),
            Optimizer::AdamW => self.clipped(momentum.drive(move |beta| {
                AdamWConfig::new()
                    .with_beta_1(beta as f32)
                    .with_weight_decay(decoupled)
                    .build()
            })),
            Optimizer::RmsProp => self.clipped(momentum.drive(move |momentum| {
                RmsPropConfig::new()
                    .with_momentum(momentum as f32)
                    .with_weight_decay(decay.clone())
                    .build()
            })),
            Optimizer::AdaGrad => {
                self.clipped(AdaGradConfig::new().with_weight_decay(decay).build())
            }
        };
        Ok((optimizer?, momentum))
    }

    fn clipped<O: burn::optim::Optimizer>(
        &self,
        optimizer: O,
    ) -> Result<ModuleOptimizer, ClipError> {
        match self.adaptive_clip > 0.0 {
            true => Ok(AdaptiveClipConfig::new(self.adaptive_clip)
                .init(optimizer)?
                .into()),
            false => Ok(optimizer.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::DataSet;

    #[test]
    fn the_momentum_cycles_by_sgd_on_photographs_whatever_the_default_optimizer() {
        for (model, optimizer, cycle) in [
            (Model::RESNET18, Optimizer::Sgd, Some([0.85, 0.95])),
            (Model::RESNET18, Optimizer::Adam, None),
            (Model::VIT_B_16, Optimizer::Sgd, Some([0.85, 0.95])),
            (Model::VIT_B_16, Optimizer::AdamW, None),
            (Model::LENET, Optimizer::Sgd, None),
        ] {
            let settings = Settings::new(model, DataSet::CIFAR10, Method::Lfp, 10);
            let settings = settings.with_optimizer(optimizer);
            assert_eq!(settings.cycle_momentum, cycle, "{model} by {optimizer:?}");
        }
    }
}
