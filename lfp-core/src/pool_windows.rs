//! Windows of a pooling.

use crate::functions::MOST_PIXELS;

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
    /// Whether no size or stride is zero, padding is at most half a window, and a window has at most
    /// [`MOST_PIXELS`](crate::functions::MOST_PIXELS).
    pub fn is_valid(&self) -> bool {
        let pixels = self.size[0].saturating_mul(self.size[1]);
        let [vertical, horizontal] = [0, 1].map(|axis| {
            self.size[axis] > 0
                && self.stride[axis] > 0
                && self.padding[axis] <= self.size[axis] / 2
        });
        vertical && horizontal && pixels <= MOST_PIXELS
    }

    /// Windows along each axis of an image.
    pub(crate) fn outputs(&self, image: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|axis| {
            let room = (image[axis] + 2 * self.padding[axis]).checked_sub(self.size[axis]);
            room.map_or(0, |room| room / self.stride[axis] + 1)
        })
    }
}
