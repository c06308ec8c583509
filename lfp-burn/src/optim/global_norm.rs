//! Clipping by the global norm.

use burn::{
    lr_scheduler::module_lr_scheduler::ModuleLearningRate,
    module::{Module, ModuleVisitor, Param},
    optim::{GradientsParams, ModuleOptimizer, MultiGradientsParams},
    tensor::{DType, FloatDType, Tensor},
};

use super::{ClipError, positive};

/// An optimiser whose updates are first scaled together so that their global norm is at most a limit, as PyTorch's
/// `clip_grad_norm_` does; Burn's `GradientClipping` treats every tensor separately.
///
/// It clips once per step, after accumulation. Burn's `Learner` owns its optimiser; there, override
/// `TrainStep::optimize` and call [`clip_global_norm`] on the gradients.
///
/// # Example
///
/// ```
/// use burn::{nn::LinearConfig, optim::{GradientsParams, SgdConfig}, tensor::{Device, Tensor}};
/// use lfp_burn::optim::GlobalNormClip;
///
/// let device = Device::default().autodiff();
/// let model = LinearConfig::new(2, 1).init(&device);
/// let mut optim = GlobalNormClip::new(SgdConfig::new().init(), 3.0)?;
/// let loss = model.forward(Tensor::<2>::ones([4, 2], &device)).sum();
/// let grads = GradientsParams::from_grads(loss.backward(), &model);
/// let model = optim.step(0.1, model, grads);
/// # let _ = model;
/// # Ok::<(), lfp_burn::optim::ClipError>(())
/// ```
#[derive(Clone)]
pub struct GlobalNormClip {
    optimizer: ModuleOptimizer,
    max_norm: f64,
}

impl GlobalNormClip {
    /// Wraps `optimizer`; `max_norm` is the limit.
    ///
    /// # Errors
    ///
    /// [`ClipError`] unless `max_norm` is positive and finite.
    pub fn new(optimizer: ModuleOptimizer, max_norm: f64) -> Result<Self, ClipError> {
        let max_norm = positive("max_norm", max_norm)?;
        Ok(Self {
            optimizer,
            max_norm,
        })
    }

    /// Clips the updates, and moves the parameters of `module` by them.
    pub fn step<M: Module>(
        &mut self,
        lr: impl Into<ModuleLearningRate>,
        module: M,
        grads: GradientsParams,
    ) -> M {
        let grads = clip_global_norm(grads, &module, self.max_norm);
        self.optimizer.step(lr, module, grads)
    }

    /// The optimiser inside, for its record.
    pub fn optimizer(&self) -> &ModuleOptimizer {
        &self.optimizer
    }

    /// The optimiser inside, to load a record into it.
    pub fn optimizer_mut(&mut self) -> &mut ModuleOptimizer {
        &mut self.optimizer
    }
}

/// Squares of updates are summed in this unit, so that they do not overflow in f32 below magnitudes of 1e24. A power of
/// two keeps the rounding as it is; updates below 1e-14 may count as zero.
const UNIT: f64 = 65536.0;

/// The Euclidean norm of all updates together, as a tensor, so that the device need not synchronise. `None` if there are no
/// updates.
///
/// The norm is finite for updates up to 1e24, infinite if an update is, and NaN if one is NaN. It is computed in f32, or in
/// f64 for f64 updates.
///
/// # Shapes
///
/// - the norm: `[1]`
pub fn global_norm<M: Module>(grads: &GradientsParams, model: &M) -> Option<Tensor<1>> {
    let mut squares = Squares { grads, sum: None };
    model.visit(&mut squares);
    squares.sum.map(|sum| sum.sqrt().mul_scalar(UNIT))
}

/// Scales all updates together so that their global norm is at most `max_norm`; see [`GlobalNormClip`].
///
/// If the norm is infinite or NaN, the updates stay as they are: scaling by `max_norm / inf` would turn infinite updates into
/// NaN and hide where they came from. [`global_norm`] reports such updates.
///
/// # Panics
///
/// If `max_norm` is not positive.
pub fn clip_global_norm<M: Module>(
    mut grads: GradientsParams,
    model: &M,
    max_norm: f64,
) -> GradientsParams {
    assert!(
        max_norm > 0.0,
        "expected a positive norm to clip at, found {max_norm}"
    );
    if let Some(norm) = global_norm(&grads, model) {
        let infinite = norm.clone().is_finite().bool_not();
        // 1e-6 is PyTorch's guard against a norm of zero.
        let factor = norm.add_scalar(1e-6).recip().mul_scalar(max_norm);
        let factor = factor.clamp_max(1.0).mask_fill(infinite, 1.0);
        let grads = &mut grads;
        model.visit(&mut Scale { grads, factor });
    }
    grads
}

/// The sum of the updates of several devices, on `module`'s devices: what `TrainStep::optimize_multi` gets, as what
/// [`clip_global_norm`] takes.
pub fn sum_devices<M: Module>(mut grads: MultiGradientsParams, module: &M) -> GradientsParams {
    let mut sum = GradientsParams::new();
    module.visit(&mut SumDevices {
        grads: &mut grads,
        sum: &mut sum,
    });
    sum
}

struct Squares<'a> {
    grads: &'a GradientsParams,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(update) = self.grads.get::<D>(param.id) else {
            return;
        };
        let update = match update.dtype() {
            DType::F16 | DType::BF16 => update.cast(FloatDType::F32),
            _ => update,
        };
        let square = update.mul_scalar(UNIT.recip()).powi_scalar(2).sum();
        self.sum = Some(match self.sum.take() {
            Some(sum) => {
                let square = square.to_device(&sum.device());
                sum + square
            }
            None => square,
        });
    }
}

struct Scale<'a> {
    grads: &'a mut GradientsParams,
    factor: Tensor<1>,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(update) = self.grads.remove::<D>(param.id) {
            let factor = self.factor.clone().to_device(&update.device());
            let factor = factor.cast(update.dtype());
            self.grads.register(param.id, update * factor.unsqueeze());
        }
    }
}

struct SumDevices<'a> {
    grads: &'a mut MultiGradientsParams,
    sum: &'a mut GradientsParams,
}

impl ModuleVisitor for SumDevices<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some((update, _)) = self.grads.remove::<D>(param.id) {
            let device = param.val().device().inner();
            self.sum.register(param.id, update.to_device(&device));
        }
    }
}
