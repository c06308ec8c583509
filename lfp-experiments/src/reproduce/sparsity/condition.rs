//! Which networks on which data.

use std::path::Path;

use lfp_models::Model;

use crate::{
    data::{DataSet, Reading, Samples, Split},
    files::FileError,
    objective::Method,
    reproduce::{Profile, ReproduceError, Request, transfer},
    train::Settings,
};

pub(super) const METHODS: [Method; 2] = [Method::Lfp, Method::Gradient];

/// A network on data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) model: Model,
    pub(super) dataset: DataSet,
}

/// All of a profile; what the first figures show comes first.
pub(super) fn of(profile: Profile) -> Vec<Condition> {
    let condition = |(model, dataset)| Condition { model, dataset };
    match profile {
        Profile::Quick => [
            (Model::LENET, DataSet::MNIST),
            (Model::VGG_LIKE, DataSet::CIFAR10),
        ]
        .map(condition)
        .into(),
        Profile::Paper => {
            let cifar = [DataSet::CIFAR10, DataSet::CIFAR100]
                .into_iter()
                .flat_map(|dataset| {
                    [Model::VGG_LIKE, Model::VGG_LIKE_BN].map(|model| (model, dataset))
                });
            let transfer = [DataSet::CUB, DataSet::ISIC, DataSet::FOOD11]
                .into_iter()
                .flat_map(|dataset| {
                    [
                        Model::VGG16,
                        Model::VGG16_BN,
                        Model::RESNET18,
                        Model::RESNET34,
                    ]
                    .map(|model| (model, dataset))
                });
            cifar.chain(transfer).map(condition).collect()
        }
    }
}

impl Condition {
    pub(super) fn name(self) -> String {
        format!("{}-{}", self.model, self.dataset)
    }

    pub(super) fn title(self) -> String {
        format!("{} on {}", self.model, self.dataset)
    }

    /// How many seeds a profile has of it.
    pub(super) fn seeds(self, profile: Profile) -> usize {
        match profile {
            Profile::Quick if self.dataset == DataSet::CIFAR10 => 1,
            _ => 3,
        }
    }

    pub(super) fn data(self, request: &Request) -> Result<Split, ReproduceError> {
        let root = request.data_dir.as_deref();
        let data = self.dataset.load(root, Reading::default())?;
        Ok(match request.profile {
            Profile::Quick if self.dataset == DataSet::MNIST => data.subset(usize::MAX, 2_000),
            Profile::Quick => data.subset(5_120, 500),
            Profile::Paper => data,
        })
    }

    /// Whether it starts from ImageNet's weights.
    pub(super) fn starts_from_imagenet(self) -> bool {
        self.dataset.has_image_files()
    }

    /// How it is trained, from `weights` if it starts from ImageNet's.
    pub(super) fn settings(
        self,
        profile: Profile,
        method: Method,
        data: &dyn Samples,
        weights: Option<&Path>,
    ) -> Result<Settings, FileError> {
        let default = Settings::new(self.model, self.dataset, method, data.num_classes());
        if let Some(weights) = weights {
            let lr = match [Model::RESNET18, Model::RESNET34].contains(&self.model) {
                true => 5e-3,
                false => 1e-3,
            };
            return transfer(default, profile, lr, weights);
        }
        Ok(match profile {
            Profile::Quick => default,
            Profile::Paper => Settings {
                epochs: 50,
                ..default
            },
        })
    }
}
