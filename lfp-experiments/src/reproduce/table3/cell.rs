//! What is in the table: networks, data, activations, and how each is trained.

use std::path::Path;

use lfp_burn::ActivationFn;
use lfp_models::Model;

use crate::{
    data::{DataSet, Split},
    files::FileError,
    objective::Method,
    reproduce::{
        Profile,
        curves::{Spread, mean_and_deviation},
        transfer,
    },
    sweep::Record,
    train::Settings,
};

/// In the order of the rows.
pub(super) const DATASETS: [DataSet; 5] = [
    DataSet::CIFAR10,
    DataSet::CIFAR100,
    DataSet::CUB,
    DataSet::ISIC,
    DataSet::FOOD11,
];
const ACTIVATIONS: [ActivationFn; 6] = [
    ActivationFn::Relu,
    ActivationFn::Silu,
    ActivationFn::Elu { alpha: 1.0 },
    ActivationFn::Tanh,
    ActivationFn::Sigmoid,
    ActivationFn::Heaviside,
];
pub(super) const METHODS: [Method; 2] = [Method::Lfp, Method::Gradient];

/// A number of the table: a network on data, with an activation, by a method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) model: Model,
    pub(super) dataset: DataSet,
    pub(super) activation: ActivationFn,
    pub(super) method: Method,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum CellResult {
    /// Mean and deviation of the accuracy over so many seeds.
    Ran { accuracy: Spread, seeds: usize },
    /// Left out by the user.
    NotAsked,
    /// The data are not there.
    NoData,
    /// The weights to start from are not there.
    NoWeights,
}

/// All cells, row by row.
pub(super) fn all() -> impl Iterator<Item = Cell> {
    let rows = DATASETS.into_iter().flat_map(|dataset| {
        let (models, activations): (&[Model], &[ActivationFn]) = match is_cifar(dataset) {
            true => (&[Model::VGG_LIKE], &ACTIVATIONS),
            false => (&[Model::VGG16, Model::RESNET18], &ACTIVATIONS[..1]),
        };
        models.iter().flat_map(move |&model| {
            let row = move |&activation: &ActivationFn| (dataset, model, activation);
            activations.iter().map(row)
        })
    });
    rows.flat_map(|(dataset, model, activation)| {
        METHODS.map(|method| Cell {
            model,
            dataset,
            activation,
            method,
        })
    })
}

fn is_cifar(dataset: DataSet) -> bool {
    [DataSet::CIFAR10, DataSet::CIFAR100].contains(&dataset)
}

/// What a quick run sees of the data.
pub(super) fn quick_part(dataset: DataSet, data: &Split) -> Split {
    match is_cifar(dataset) {
        true => data.subset(2_560, 500),
        false => data.subset(96, 64),
    }
}

impl Cell {
    pub(super) fn starts_from_imagenet(&self) -> bool {
        self.model != Model::VGG_LIKE
    }

    /// As a file's name.
    pub(super) fn name(&self) -> String {
        let Self {
            model,
            activation,
            method,
            ..
        } = self;
        format!("{model}-{}-{method}", activation.name())
    }

    pub(super) fn title(&self) -> String {
        format!("{} on {}", self.name(), self.dataset)
    }

    /// Whether classes count the same: those of ISIC differ much in size.
    pub(super) fn is_class_mean(&self) -> bool {
        self.dataset == DataSet::ISIC
    }

    /// How it is trained in the paper, from `weights` if it starts from ImageNet's; a quick run for a shorter time.
    pub(super) fn settings(
        &self,
        profile: Profile,
        classes: usize,
        weights: Option<&Path>,
    ) -> Result<Settings, FileError> {
        let default = Settings {
            activation: self.activation,
            ..Settings::new(self.model, self.dataset, self.method, classes)
        };
        if let Some(weights) = weights {
            let lr = match (self.dataset, self.model) == (DataSet::FOOD11, Model::VGG16) {
                true => 1e-4,
                false => 1e-3,
            };
            return transfer(default, profile, lr, weights);
        }
        Ok(match profile {
            // The more steps, the more there is to see of a few images.
            Profile::Quick => Settings {
                epochs: 2,
                batch: 32,
                ..default
            },
            Profile::Paper => Settings {
                epochs: 50,
                ..default
            },
        })
    }

    /// The paper's own value, as far as it was at hand: mean and deviation.
    pub(super) fn paper(&self) -> Option<Spread> {
        let known = (self.dataset, self.activation) == (DataSet::CIFAR10, ActivationFn::Relu);
        known.then_some(match self.method {
            Method::Lfp => (0.822, 0.004),
            Method::Gradient => (0.841, 0.004),
        })
    }
}

impl CellResult {
    pub(super) fn of(cell: &Cell, records: &[Record], classes: usize) -> Self {
        let accuracies = records.iter().map(|record| match cell.is_class_mean() {
            true => record.class_mean(classes),
            false => record.accuracy(classes),
        });
        Self::Ran {
            accuracy: mean_and_deviation(accuracies),
            seeds: records.len(),
        }
    }
}
