//! What a policy sees.

use burn::tensor::{Device, Int, Tensor, TensorData};
use burn_rl::{Batchable, SliceAccess, ToObservation};

/// What one environment shows: numbers on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation(pub Vec<f32>);

/// The observations of several environments, `[batch_size, numbers]`.
#[derive(Clone, Debug)]
pub struct Observations(pub Tensor<2>);

impl Observations {
    /// One row for each environment, by one upload.
    ///
    /// # Panics
    ///
    /// If two rows differ in length.
    pub fn of(rows: &[Observation], device: &Device) -> Self {
        let length = rows.first().map_or(0, |row| row.0.len());
        let numbers: Vec<f32> = rows.iter().flat_map(|row| &row.0).copied().collect();
        assert!(
            rows.iter().all(|row| row.0.len() == length),
            "observations: expected {length} numbers in each, as in the first"
        );
        let data = TensorData::new(numbers, [rows.len(), length]);
        Self(Tensor::from_data(data, device))
    }
}

impl ToObservation<Observations> for Observation {
    fn to_observation(&self, device: &Device) -> Observations {
        Observations::of(std::slice::from_ref(self), device)
    }
}

impl Batchable for Observations {
    fn batch(items: Vec<Self>) -> Self {
        let rows = items.into_iter().map(|item| item.0).collect();
        Self(Tensor::cat(rows, 0))
    }

    fn unbatch(self) -> Vec<Self> {
        self.0.split(1, 0).into_iter().map(Self).collect()
    }
}

impl SliceAccess for Observations {
    fn zeros_like(sample: &Self, capacity: usize, device: &Device) -> Self {
        Self(SliceAccess::zeros_like(&sample.0, capacity, device))
    }

    fn select(self, dim: usize, indices: Tensor<1, Int>) -> Self {
        Self(SliceAccess::select(self.0, dim, indices))
    }

    fn slice_assign_inplace(&mut self, index: usize, value: Self) {
        self.0.slice_assign_inplace(index, value.0);
    }
}
