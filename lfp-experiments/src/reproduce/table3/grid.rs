//! The cells of the table, and how each is trained.

use lfp_burn::ActivationFn;
use lfp_models::Model;

use crate::{
    data::DataSet,
    objective::Method,
    reproduce::{Context, Profile},
    study::{Cell, Condition, Measure, MethodVariant, Spread},
    train::Settings,
};

/// Data sets with their networks and activations, in the order of the rows.
const ROWS: [(DataSet, &[Model], &[ActivationFn]); 5] = [
    (DataSet::CIFAR10, &[Model::VGG_LIKE], &ACTIVATIONS),
    (DataSet::CIFAR100, &[Model::VGG_LIKE], &ACTIVATIONS),
    (DataSet::CUB, &TRANSFER, &[ActivationFn::Relu]),
    (DataSet::ISIC, &TRANSFER, &[ActivationFn::Relu]),
    (DataSet::FOOD11, &TRANSFER, &[ActivationFn::Relu]),
];
const ACTIVATIONS: [ActivationFn; 6] = [
    ActivationFn::Relu,
    ActivationFn::Silu,
    ActivationFn::Elu { alpha: 1.0 },
    ActivationFn::Tanh,
    ActivationFn::Sigmoid,
    ActivationFn::Heaviside,
];
/// Networks that start from ImageNet weights.
const TRANSFER: [Model; 2] = [Model::VGG16, Model::RESNET18];

/// All rows.
pub(super) fn conditions(context: &Context) -> Vec<Condition> {
    let mut conditions = Vec::new();
    for (dataset, models, activations) in ROWS {
        for &model in models {
            for &activation in activations {
                conditions.push(condition(context, dataset, model, activation));
            }
        }
    }
    conditions
}

fn condition(
    context: &Context,
    dataset: DataSet,
    model: Model,
    activation: ActivationFn,
) -> Condition {
    let settings = Settings {
        activation,
        ..Settings::new(model, dataset, Method::Lfp, 0)
    };
    let name = format!("{dataset}-{model}-{}", activation.name());
    let title = format!("{model}, {activation} on {dataset}");
    let condition = Condition {
        seeds: context.seeds(context.by_profile(1, 3)),
        measure: match dataset == DataSet::ISIC {
            // The classes of ISIC differ much in size.
            true => Measure::ClassMean,
            false => Measure::Top1,
        },
        ..Condition::new(name, title, settings)
    };
    let learning_rate = match (dataset, model) == (DataSet::FOOD11, Model::VGG16) {
        true => 1e-4,
        false => 1e-3,
    };
    let condition = match TRANSFER.contains(&model) {
        true => condition.from_imagenet(learning_rate),
        false => condition.with_epochs(50),
    };
    match context.profile {
        Profile::Quick => quick(condition),
        Profile::Paper => condition,
    }
}

/// Few epochs on few samples, in small batches for more steps.
fn quick(mut condition: Condition) -> Condition {
    condition.settings.batch = 32;
    let (epochs, samples) = match condition.imagenet {
        true => (1, [96, 64]),
        false => (2, [2_560, 500]),
    };
    condition.samples = Some(samples);
    condition.with_epochs(epochs)
}

/// The paper's own value, for the cells that are known.
pub(super) fn paper(cell: &Cell) -> Option<Spread> {
    let settings = &cell.condition.settings;
    let known = (settings.dataset, settings.activation) == (DataSet::CIFAR10, ActivationFn::Relu);
    known.then_some(Spread {
        mean: match cell.method {
            MethodVariant::Lfp => 0.822,
            MethodVariant::Gradient | MethodVariant::SurrogateGradient => 0.841,
        },
        standard_deviation: 0.004,
    })
}
