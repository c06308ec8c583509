//! Windows of a pooling.

/// Windows of [`max_pool2d`](crate::functions::max_pool2d): pairs are `[vertical, horizontal]`, in pixels.
///
/// Windows that would leave the padded image are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolWindows {
    /// Size of a window.
    pub size: [usize; 2],
    /// Distance between windows.
    pub stride: [usize; 2],
    /// Pixels around the image, which never win: at most half a window.
    pub padding: [usize; 2],
}

impl PoolWindows {
    /// Windows side by side, without padding.
    pub fn adjacent(size: [usize; 2]) -> Self {
        Self {
            size,
            stride: size,
            padding: [0; 2],
        }
    }

    /// Whether neither a window nor a stride is empty, and every window that starts in the padding has a pixel.
    pub fn is_valid(&self) -> bool {
        let [vertical, horizontal] = [0, 1].map(|axis| {
            self.size[axis] > 0
                && self.stride[axis] > 0
                && self.padding[axis] <= self.size[axis] / 2
        });
        vertical && horizontal
    }

    /// Windows along each axis of an image.
    pub(crate) fn outputs(&self, image: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|axis| {
            let room = (image[axis] + 2 * self.padding[axis]).checked_sub(self.size[axis]);
            room.map_or(0, |room| room / self.stride[axis] + 1)
        })
    }
}
