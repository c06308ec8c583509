//! Which networks on which data.

use std::path::Path;

use crate::{
    data::{DataSet, Reading, Samples, Split},
    files::FileError,
    network::Model,
    objective::Method,
    reproduce::{Profile, ReproduceError, Request, imagenet_weights},
    train::{Pretrained, Settings},
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
            (Model::LeNet, DataSet::Mnist),
            (Model::VggLike, DataSet::Cifar10),
        ]
        .map(condition)
        .into(),
        Profile::Paper => {
            let cifar = [DataSet::Cifar10, DataSet::Cifar100]
                .into_iter()
                .flat_map(|dataset| {
                    [Model::VggLike, Model::VggLikeBn].map(|model| (model, dataset))
                });
            let transfer = [DataSet::Cub, DataSet::Isic, DataSet::Food11]
                .into_iter()
                .flat_map(|dataset| {
                    [
                        Model::Vgg16,
                        Model::Vgg16Bn,
                        Model::ResNet18,
                        Model::ResNet34,
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
        match (profile, self.dataset) {
            (Profile::Quick, DataSet::Cifar10) => 1,
            _ => 3,
        }
    }

    pub(super) fn data(self, request: &Request) -> Result<Split, ReproduceError> {
        let root = request.data_dir.as_deref();
        let data = self.dataset.load(root, Reading::default())?;
        Ok(match (request.profile, self.dataset) {
            (Profile::Quick, DataSet::Mnist) => data.subset(usize::MAX, 2_000),
            (Profile::Quick, _) => data.subset(5_120, 500),
            (Profile::Paper, _) => data,
        })
    }

    /// How it is trained.
    pub(super) fn settings(
        self,
        profile: Profile,
        method: Method,
        data: &dyn Samples,
        pretrained: Option<&Path>,
    ) -> Result<Settings, FileError> {
        let default = Settings::new(self.model, self.dataset, method, data.num_classes());
        if profile == Profile::Quick {
            return Ok(default);
        }
        Ok(match self.dataset {
            DataSet::Cifar10 | DataSet::Cifar100 | DataSet::Mnist => Settings {
                epochs: 50,
                ..default
            },
            _ => Settings {
                epochs: 100,
                lr: match self.model {
                    Model::ResNet18 | Model::ResNet34 => 5e-3,
                    _ => 1e-3,
                },
                clip: 0.0,
                weight_decay: 1e-4,
                batch: 32,
                pretrained: imagenet_weights(pretrained, self.model)?
                    .map(|file| Pretrained::read(&file))
                    .transpose()?,
                ..default
            },
        })
    }
}
