//! Sizes and positions of a convolution.

use burn_core::backend::ops::ConvOptions;

/// Sizes of a convolution in two dimensions. Pairs are `[vertical, horizontal]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    pub samples: usize,
    /// Channels of the input.
    pub from: usize,
    /// Channels of the output.
    pub to: usize,
    pub size: [usize; 2],
    pub out_size: [usize; 2],
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    /// Before the first row and column. What follows the last ones is implied by the size of the output.
    pub padding: [usize; 2],
    pub groups: usize,
}

impl Geometry {
    /// `None` if an axis of the input is smaller than the kernel.
    pub fn new(input: [usize; 4], weight: [usize; 4], options: &ConvOptions<2>) -> Option<Self> {
        let [samples, from, height, width] = input;
        let [to, _, kernel_height, kernel_width] = weight;
        let kernel = [kernel_height, kernel_width];
        let size = [height, width];
        let out = |axis: usize| {
            let (before, after) = options.padding[axis];
            let reach = options.dilation[axis] * (kernel[axis] - 1);
            let positions = (size[axis] + before + after).checked_sub(reach + 1)?;
            Some(positions / options.stride[axis] + 1)
        };
        Some(Self {
            samples,
            from,
            to,
            size,
            out_size: [out(0)?, out(1)?],
            kernel,
            stride: options.stride,
            dilation: options.dilation,
            padding: options.padding_begin(),
            groups: options.groups,
        })
    }

    pub fn input_shape(&self) -> [usize; 4] {
        [self.samples, self.from, self.size[0], self.size[1]]
    }

    pub fn output_shape(&self) -> [usize; 4] {
        [self.samples, self.to, self.out_size[0], self.out_size[1]]
    }

    pub fn weight_shape(&self) -> [usize; 4] {
        let [height, width] = self.kernel;
        [self.to, self.from / self.groups, height, width]
    }

    pub fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    pub fn pixels(&self) -> usize {
        self.size[0] * self.size[1]
    }

    pub fn out_pixels(&self) -> usize {
        self.out_size[0] * self.out_size[1]
    }

    /// Whether the input gradient is a correlation, [`backward`](Self::backward).
    pub fn has_backward(&self) -> bool {
        let crops =
            |axis: usize| self.padding[axis] > (self.kernel[axis] - 1) * self.dilation[axis];
        self.stride == [1; 2] && !crops(0) && !crops(1)
    }

    /// The correlation of the incoming gradient with turned kernels that gives the input gradient.
    pub fn backward(&self) -> Self {
        let padding =
            |axis: usize| (self.kernel[axis] - 1) * self.dilation[axis] - self.padding[axis];
        Self {
            from: self.to,
            to: self.from,
            size: self.out_size,
            out_size: self.size,
            padding: [padding(0), padding(1)],
            ..*self
        }
    }
}
