//! The cells of the table, and how each is trained.

use lfp_burn::ActivationFn;
use lfp_models::Model;

use crate::{
    data::DataSet,
    objective::Method,
    reproduce::{Context, Profile},
    study::Condition,
    train::Settings,
};

/// Networks with their data sets, in the order of the rows.
const ROWS: [(Model, &[DataSet]); 3] = [
    (Model::VGG_LIKE, &[DataSet::CIFAR10, DataSet::CIFAR100]),
    (Model::VGG16, &PHOTOGRAPHS),
    (Model::RESNET18, &PHOTOGRAPHS),
];
/// Data sets on which training starts from ImageNet weights.
const PHOTOGRAPHS: [DataSet; 3] = [DataSet::CUB, DataSet::ISIC, DataSet::FOOD11];
/// The columns.
const ACTIVATIONS: [ActivationFn; 6] = [
    ActivationFn::Relu,
    ActivationFn::Silu,
    ActivationFn::Elu { alpha: 1.0 },
    ActivationFn::Tanh,
    ActivationFn::Sigmoid,
    ActivationFn::Heaviside,
];
/// The network on which the profile `quick` compares the activations, its epochs, and training and test images.
const QUICK: (Model, DataSet) = (Model::LENET, DataSet::CIFAR10);
const QUICK_EPOCHS: usize = 2;
const QUICK_SAMPLES: [usize; 2] = [25_000, 2_000];

/// The conditions of a profile.
pub(super) fn conditions(context: &Context) -> Vec<Condition> {
    let conditions = match context.profile {
        Profile::Quick => quick_conditions(),
        Profile::Paper => paper_conditions(),
    };
    let seeds = context.seeds(context.by_profile(1, 3));
    let with_seeds = |condition| Condition {
        seeds: seeds.clone(),
        ..condition
    };
    conditions.into_iter().map(with_seeds).collect()
}

/// The paper's conditions (A.6.2), with one seed.
pub(super) fn paper_conditions() -> Vec<Condition> {
    let mut conditions = Vec::new();
    for (model, datasets) in ROWS {
        for &dataset in datasets {
            let of_activation = |activation| condition(model, dataset, activation);
            conditions.extend(ACTIVATIONS.map(of_activation));
        }
    }
    conditions
}

fn condition(model: Model, dataset: DataSet, activation: ActivationFn) -> Condition {
    let settings = Settings {
        activation,
        ..Settings::new(model, dataset, Method::Lfp, 0)
    };
    let name = format!("{dataset}-{model}-{}", activation.name());
    let title = format!("{model}, {activation} on {dataset}");
    let condition = Condition::new(name, title, settings);
    let learning_rate = match (model, dataset) == (Model::VGG16, DataSet::FOOD11) {
        true => 1e-4,
        false => 1e-3,
    };
    match dataset.has_image_files() {
        true => condition.from_imagenet(learning_rate),
        false => condition.with_epochs(50),
    }
}

/// Those of a small network for a few epochs, and the paper's, which are left to the profile `paper`: all that there are.
pub(super) fn quick_conditions() -> Vec<Condition> {
    let (model, dataset) = QUICK;
    let small = ACTIVATIONS.map(|activation| Condition {
        samples: Some(QUICK_SAMPLES),
        ..condition(model, dataset, activation).with_epochs(QUICK_EPOCHS)
    });
    let deferred = |condition| Condition {
        deferred: true,
        ..condition
    };
    let paper = paper_conditions().into_iter().map(deferred);
    small.into_iter().chain(paper).collect()
}

/// What a reader must know to compare the table with the paper's.
pub(super) fn note(context: &Context) -> String {
    let accuracy = "Test accuracy in %: mean \u{b1} standard deviation (seeds).";
    let (model, dataset) = QUICK;
    match context.profile {
        Profile::Paper => format!("{accuracy} Profile paper."),
        Profile::Quick => format!(
            "{accuracy} Profile quick compares the activations on {model} and {dataset}, for {QUICK_EPOCHS} epochs of {} \
             images. The paper's networks take hours per cell: --profile paper.",
            QUICK_SAMPLES[0]
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        study::Measure,
        train::{Optimizer, Schedule},
    };

    #[test]
    fn every_cell_has_the_hyperparameters_of_the_paper() {
        for condition in paper_conditions() {
            let (name, settings) = (condition.name.as_str(), &condition.settings);
            let cifar = name.starts_with("cifar");
            // A.6.2: epochs, batch, largest learning rate, norm of the updates, weight decay.
            let expected = match (cifar, name.starts_with("food11-vgg16")) {
                (true, _) => (50, 128, 0.1, 3.0, 0.0),
                (false, true) => (100, 32, 1e-4, 0.0, 1e-4),
                (false, false) => (100, 32, 1e-3, 0.0, 1e-4),
            };
            let lr = match condition.learning_rates[..] {
                [only] => only,
                _ => panic!("{name}: one learning rate"),
            };
            let found = (
                settings.epochs,
                settings.batch,
                lr,
                settings.clip,
                settings.weight_decay,
            );
            assert_eq!(found, expected, "{name}");
            assert_eq!(settings.schedule, Schedule::OneCycle, "{name}");
            assert_eq!(settings.optimizer, Optimizer::Sgd, "{name}");
            assert_eq!(condition.imagenet, !cifar, "{name}");
            assert_eq!(condition.samples, None, "{name}: all samples");
            // A constant predictor has 50.6 % on ISIC in the paper's table: the plain accuracy.
            assert_eq!(condition.measure, Measure::Top1, "{name}");
        }
    }
}
