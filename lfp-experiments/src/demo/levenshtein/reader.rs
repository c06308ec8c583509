//! The network that reads: a class or blank per column.

use burn::{
    module::Module,
    nn::{
        PaddingConfig2d,
        conv::{Conv2d, Conv2dConfig},
        pool::{MaxPool2d, MaxPool2dConfig},
    },
    tensor::{Device, Tensor},
};
use lfp_burn::{
    ActivationFn,
    nn::{Hook, Hooked},
};

use super::CLASSES;

/// Three convolutions, each but the last with 2x2 max pooling, and one of 1x1 for the classes. A column sees 28 pixels.
#[derive(Module, Debug)]
pub(super) struct Reader {
    first: Hooked<Conv2d>,
    second: Hooked<Conv2d>,
    third: Hooked<Conv2d>,
    classes: Hooked<Conv2d>,
    pool: Hooked<MaxPool2d>,
}

impl Reader {
    /// For pictures of 28 rows.
    pub(super) fn new(device: &Device) -> Self {
        let conv = |channels, kernel, [rows, columns]: [usize; 2]| {
            Conv2dConfig::new(channels, kernel)
                .with_padding(PaddingConfig2d::Explicit(rows, columns, rows, columns))
                .init(device)
                .hooked()
        };
        let relu = |layer: Hooked<Conv2d>| layer.with_activation(ActivationFn::Relu);
        Self {
            first: relu(conv([1, 16], [5, 5], [2, 2])),
            second: relu(conv([16, 32], [3, 3], [1, 1])),
            // All that is left of the height becomes one row.
            third: relu(conv([32, 64], [7, 5], [0, 2])),
            classes: conv([64, CLASSES], [1, 1], [0, 0]),
            pool: MaxPool2dConfig::new([2, 2]).init().hooked(),
        }
    }

    /// # Shapes
    ///
    /// - pictures: `[samples, 1, 28, width]`
    /// - output: `[samples, width / 4, classes]`
    pub(super) fn forward(&self, pictures: Tensor<4>) -> Tensor<3> {
        let x = self.pool.forward(self.first.forward(pictures));
        let x = self.pool.forward(self.second.forward(x));
        let x = self.classes.forward(self.third.forward(x));
        x.squeeze_dim::<3>(2).swap_dims(1, 2)
    }
}
