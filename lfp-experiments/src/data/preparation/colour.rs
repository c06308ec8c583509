//! Brightness, saturation and hue.

use super::Picture;

impl Picture {
    /// Multiplies all values by `factor`.
    pub(super) fn brightened(mut self, factor: f32) -> Self {
        let values = self.values.iter_mut();
        values.for_each(|value| *value = (*value * factor).clamp(0.0, 1.0));
        self
    }

    /// Moves colours away from grey (`factor` above 1) or towards it.
    pub(super) fn saturated(self, factor: f32) -> Self {
        self.map_colours(|[red, green, blue]| {
            let grey = 0.2989 * red + 0.587 * green + 0.114 * blue;
            let away = |value: f32| (factor * value + (1.0 - factor) * grey).clamp(0.0, 1.0);
            [red, green, blue].map(away)
        })
    }

    /// Shifts the hue; a `turn` of 1 is a full turn of the colour wheel.
    pub(super) fn hue_shifted(self, turn: f32) -> Self {
        self.map_colours(|colour| {
            let [hue, saturation, value] = to_hsv(colour);
            from_hsv([(hue + turn).rem_euclid(1.0), saturation, value])
        })
    }

    fn map_colours(mut self, change: impl Fn([f32; 3]) -> [f32; 3]) -> Self {
        let pixels = self.size * self.size;
        let (red, others) = self.values.split_at_mut(pixels);
        let (green, blue) = others.split_at_mut(pixels);
        for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
            [*red, *green, *blue] = change([*red, *green, *blue]);
        }
        self
    }
}

/// Hue (1 is a full turn), saturation and value.
fn to_hsv([red, green, blue]: [f32; 3]) -> [f32; 3] {
    let largest = red.max(green).max(blue);
    let range = largest - red.min(green).min(blue);
    if range == 0.0 {
        return [0.0, 0.0, largest];
    }
    let sixths = if largest == red {
        (green - blue) / range
    } else if largest == green {
        2.0 + (blue - red) / range
    } else {
        4.0 + (red - green) / range
    };
    [(sixths / 6.0).rem_euclid(1.0), range / largest, largest]
}

fn from_hsv([hue, saturation, value]: [f32; 3]) -> [f32; 3] {
    // Each channel's share of the saturation below the value, from its offset on the wheel.
    [5.0, 3.0, 1.0].map(|start| {
        let place = (start + 6.0 * hue).rem_euclid(6.0);
        let share = place.min(4.0 - place).clamp(0.0, 1.0);
        value - value * saturation * share
    })
}
