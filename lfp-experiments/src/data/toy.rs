//! Points in the plane: the toy data sets of Figure 3.

use std::f64::consts::TAU;

use burn::data::dataset::{Dataset, DatasetError};
use rand::{SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, StandardNormal};
use sha2::{Digest, Sha256};

use super::{DataError, DataSet, DataSetSpec, Load, Sample, Samples, Split, identify_by_labels};

impl DataSet {
    /// 1,000 training and 100 test points of two normal distributions around (1, 1) and (2, 2).
    pub const BLOBS: Self = Self::new(&DataSetSpec {
        name: "blobs",
        summary: "Points in the plane: two normal distributions",
        folders: &[],
        load: Load::Generated(|seed| PointCloud::Blobs.split(seed)),
    });
    /// 10,000 training and 500 test points of a ring of radius 1 and one of radius 0.05 in its centre.
    pub const CIRCLES: Self = Self::new(&DataSetSpec {
        name: "circles",
        summary: "Points in the plane: a ring around a small ring",
        folders: &[],
        load: Load::Generated(|seed| PointCloud::Circles.split(seed)),
    });
    /// 10,000 training and 500 test points of three arms of a spiral.
    pub const SWIRL: Self = Self::new(&DataSetSpec {
        name: "swirl",
        summary: "Points in the plane: three arms of a spiral",
        folders: &[],
        load: Load::Generated(|seed| PointCloud::Swirl.split(seed)),
    });
}

/// Standard deviation of the noise in all point clouds.
const NOISE: f64 = 0.2;

/// A distribution of points in the plane.
#[derive(Clone, Copy)]
enum PointCloud {
    /// Normal distributions around (1, 1) and (2, 2).
    Blobs,
    /// A ring of radius 1, and one of radius 0.05 in its centre.
    Circles,
    /// Three arms of a spiral.
    Swirl,
}

impl PointCloud {
    fn num_classes(self) -> usize {
        match self {
            Self::Blobs | Self::Circles => 2,
            Self::Swirl => 3,
        }
    }

    /// Draws the training points, then the test points.
    fn split(self, seed: u64) -> Split {
        let mut rng = StdRng::seed_from_u64(seed);
        let (train, test) = match self {
            Self::Blobs => (1_000, 100),
            Self::Circles | Self::Swirl => (10_000, 500),
        };
        Split::new(self.draw(train, &mut rng), self.draw(test, &mut rng))
    }

    fn draw(self, count: usize, rng: &mut StdRng) -> Points {
        let point = |class, index, of_class| self.point(class, index, of_class, rng);
        Points::draw(self.num_classes(), count, point)
    }

    /// Draws a point; `index` counts the `count` points of its class.
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

fn noise(rng: &mut StdRng) -> f64 {
    let standard: f64 = StandardNormal.sample(rng);
    NOISE * standard
}

/// Points in the plane with their classes.
#[derive(Clone, Debug)]
pub struct Points {
    points: Vec<([f32; 2], u8)>,
    num_classes: usize,
}

impl Points {
    /// Two normal distributions with means `(c, c)`, one for each of the `centres` `c`.
    pub fn blobs(centres: [f64; 2], count: usize, rng: &mut StdRng) -> Self {
        Self::draw(2, count, |class, _, _| {
            [0; 2].map(|_| (centres[class] + noise(rng)) as f32)
        })
    }

    /// Draws `count` points, divided evenly among the classes. `point` receives the class, the point's index in the class,
    /// and the number of points of the class.
    fn draw(
        num_classes: usize,
        count: usize,
        mut point: impl FnMut(usize, usize, usize) -> [f32; 2],
    ) -> Self {
        let mut points = Vec::with_capacity(count);
        for class in 0..num_classes {
            // The first classes get the remainder.
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

    /// All points with their classes.
    pub fn iter(&self) -> impl Iterator<Item = ([f32; 2], u8)> {
        self.points.iter().copied()
    }

    fn sample(&self, index: usize) -> Sample {
        let (point, class) = self.points[index];
        Sample {
            values: point.into(),
            label: class.into(),
        }
    }
}

impl Dataset<Sample> for Points {
    fn get(&self, index: usize) -> Result<Sample, DatasetError> {
        Ok(self.sample(index))
    }

    fn len(&self) -> usize {
        self.points.len()
    }
}

impl Samples for Points {
    fn shape(&self) -> [usize; 3] {
        [2, 1, 1]
    }

    fn num_classes(&self) -> usize {
        self.num_classes
    }

    fn label(&self, index: usize) -> u32 {
        self.points[index].1.into()
    }

    fn read(&self, index: usize, _variant: u64) -> Result<Sample, DataError> {
        Ok(self.sample(index))
    }

    fn identify(&self, digest: &mut Sha256) {
        identify_by_labels(self, digest);
        for coordinate in self.points.iter().flat_map(|(point, _)| point) {
            digest.update(coordinate.to_le_bytes());
        }
    }
}
