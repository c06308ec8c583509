//! What runs write is read back to the last bit: a resumed run compares it.

use lfp_experiments::{
    data::DataSet,
    objective::Method,
    study::Record,
    train::{Accuracy, Epoch, Outcome, Settings, Versions},
};
use lfp_models::Model;
use proptest::prelude::*;
use serde_json::{from_slice, to_vec};

/// Any finite number: uniform bits, and decimal numbers as people write them.
fn number() -> impl Strategy<Value = f64> {
    let bits = any::<u64>().prop_map(f64::from_bits);
    let bits = bits.prop_filter("JSON has no others", |number| number.is_finite());
    let decimal = (1u32..10_000, 0i32..12).prop_map(|(digits, places)| {
        let decimal = format!("{digits}e-{places}");
        decimal.parse::<f64>().unwrap_or_default()
    });
    prop_oneof![bits, decimal]
}

fn settings() -> impl Strategy<Value = Settings> {
    let numbers = prop::array::uniform9(number());
    (numbers, any::<u64>(), any::<bool>()).prop_map(|(numbers, seed, spikes)| {
        let model = if spikes { Model::SNN_MLP } else { Model::LENET };
        let mut settings = Settings::new(model, DataSet::MNIST, Method::Lfp, 10);
        settings.seed = seed;
        let [
            lr,
            momentum,
            base,
            max,
            clip,
            adaptive,
            decay,
            epsilon,
            beta,
        ] = numbers;
        settings.lr = lr;
        settings.momentum = momentum;
        settings.cycle_momentum = Some([base, max]);
        settings.clip = clip;
        settings.adaptive_clip = adaptive;
        settings.weight_decay = decay;
        settings.lfp.epsilon = epsilon;
        if let Some(spiking) = &mut settings.spiking {
            spiking.lif.beta = beta;
        }
        settings
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn settings_are_read_back_to_the_last_bit(settings in settings()) {
        let read: Settings = from_slice(&to_vec(&settings).unwrap()).unwrap();
        prop_assert_eq!(read.difference(&settings), None);
        prop_assert_eq!(read.lr.to_bits(), settings.lr.to_bits());
        prop_assert_eq!(read, settings);
    }

    #[test]
    fn metrics_are_read_back_to_the_last_bit(numbers in prop::array::uniform6(number())) {
        let [lr, train_accuracy, top1, top5, class_mean, seconds] = numbers;
        let test = Accuracy { top1, top5, class_mean, undecided: 0 };
        let epoch = Epoch { lr, train_accuracy, test, seconds, unchanged: false };
        let read: Epoch = from_slice(&to_vec(&epoch).unwrap()).unwrap();
        prop_assert_eq!(read.seconds.to_bits(), epoch.seconds.to_bits());
        prop_assert_eq!(read, epoch);
    }

    #[test]
    fn records_are_read_back_to_the_last_bit(
        settings in settings(),
        accuracies in prop::collection::vec(number(), 0..5),
        seconds in number(),
    ) {
        let outcome = Outcome {
            settings: settings.clone(),
            test_accuracy: accuracies.clone(),
            test_top5: accuracies.clone(),
            test_class_mean: accuracies.clone(),
            best_epoch: 1,
            train_accuracy: accuracies,
            seconds,
            firing_rates: [("layer 1".to_owned(), seconds)].into(),
            warnings: vec!["one".to_owned()],
            versions: Versions::default(),
        };
        let record = Record::<()> {
            train_samples: 1,
            test_samples: 1,
            settings,
            outcome: Some(outcome),
            analysis: None,
        };
        // Text is equal where numbers are, and the other way round.
        let written = to_vec(&record).unwrap();
        let read: Record = from_slice(&written).unwrap();
        prop_assert_eq!(to_vec(&read).unwrap(), written);
        let [read, record] = [read.outcome, record.outcome].map(Option::unwrap);
        prop_assert_eq!(read.test_accuracy, record.test_accuracy);
        prop_assert_eq!(read.seconds.to_bits(), record.seconds.to_bits());
    }
}
