//! The toy data of Figure 3: points in the plane.

use std::{f64::consts::TAU, fmt};

use rand::{SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, Normal};

use super::{DataError, Sample, Samples};

/// Noise of all three data sets.
const DEVIATION: f64 = 0.2;

/// How the points of a data set lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointCloud {
    /// Two normal clouds at (1, 1) and (2, 2).
    Blobs,
    /// A ring and, in its centre, a ring of 0.05 times its radius.
    Circles,
    /// Three arms of a spiral.
    Swirl,
}

impl PointCloud {
    /// All of them, in the order of the figure.
    pub const ALL: [Self; 3] = [Self::Blobs, Self::Circles, Self::Swirl];

    /// Number of classes.
    pub fn num_classes(self) -> usize {
        match self {
            Self::Blobs | Self::Circles => 2,
            Self::Swirl => 3,
        }
    }

    /// Number of points for training, and for testing.
    pub fn sizes(self) -> (usize, usize) {
        match self {
            Self::Blobs => (1_000, 100),
            Self::Circles | Self::Swirl => (10_000, 500),
        }
    }

    /// Draws `count` points, spread evenly over the classes.
    pub fn draw(self, count: usize, rng: &mut StdRng) -> Points {
        let point = |class, index, of_class| self.point(class, index, of_class, rng);
        Points::draw(self.num_classes(), count, point)
    }

    /// Draws the points for training and those for testing.
    pub fn train_and_test(self, seed: u64) -> (Points, Points) {
        let mut rng = StdRng::seed_from_u64(seed);
        let (train, test) = self.sizes();
        (self.draw(train, &mut rng), self.draw(test, &mut rng))
    }

    fn point(self, class: usize, index: usize, count: usize, rng: &mut StdRng) -> [f32; 2] {
        let mut noise = || noise(rng);
        let [x, y] = match self {
            Self::Blobs => {
                let centre = 1.0 + class as f64;
                [centre + noise(), centre + noise()]
            }
            Self::Circles => {
                let radius = if class == 0 { 1.0 } else { 0.05 };
                let angle = TAU * index as f64 / count as f64;
                [
                    radius * angle.cos() + noise(),
                    radius * angle.sin() + noise(),
                ]
            }
            Self::Swirl => {
                let along = index as f64 / (count - 1).max(1) as f64;
                let angle = 4.0 * (class as f64 + along) + noise();
                [along * angle.sin(), along * angle.cos()]
            }
        };
        [x as f32, y as f32]
    }
}

impl fmt::Display for PointCloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Blobs => "blobs",
            Self::Circles => "circles",
            Self::Swirl => "swirl",
        })
    }
}

fn noise(rng: &mut StdRng) -> f64 {
    let normal = Normal::new(0.0, DEVIATION).expect("a positive deviation");
    normal.sample(rng)
}

/// Points in the plane with their classes.
#[derive(Clone, Debug)]
pub struct Points {
    points: Vec<([f32; 2], u8)>,
    num_classes: usize,
}

impl Points {
    /// Two normal clouds around `(c, c)` for each of two centres `c`.
    pub fn blobs(centres: [f64; 2], count: usize, rng: &mut StdRng) -> Self {
        Self::draw(2, count, |class, _, _| {
            [0; 2].map(|_| (centres[class] + noise(rng)) as f32)
        })
    }

    /// Draws `count` points, spread evenly over the classes; `point` is told class, index and number
    /// of the points of the class.
    fn draw(
        num_classes: usize,
        count: usize,
        mut point: impl FnMut(usize, usize, usize) -> [f32; 2],
    ) -> Self {
        let mut points = Vec::with_capacity(count);
        for class in 0..num_classes {
            // The first classes take what is left of an uneven division.
            let of_class = count / num_classes + usize::from(class < count % num_classes);
            for index in 0..of_class {
                points.push((point(class, index, of_class), class as u8));
            }
        }
        Self {
            points,
            num_classes,
        }
    }

    /// Every point with its class.
    pub fn iter(&self) -> impl Iterator<Item = ([f32; 2], u8)> {
        self.points.iter().copied()
    }
}

impl Samples for Points {
    fn shape(&self) -> [usize; 3] {
        [2, 1, 1]
    }

    fn num_classes(&self) -> usize {
        self.num_classes
    }

    fn count(&self) -> usize {
        self.points.len()
    }

    fn label(&self, index: usize) -> u32 {
        self.points[index].1.into()
    }

    fn read(&self, index: usize, _variant: u64) -> Result<Sample, DataError> {
        Ok(Sample {
            values: self.points[index].0.into(),
            label: self.label(index),
        })
    }
}
