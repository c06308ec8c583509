//! In what two runs differ, in the words of the command line.

use std::fmt;

use super::Settings;

impl Settings {
    /// The settings by command-line option: the members of `spiking`, of its `lif`, and of `lfp` (as `lfp_...`).
    pub(in crate::train) fn options(&self) -> serde_json::Map<String, serde_json::Value> {
        let mut options = match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(options)) => options,
            other => unreachable!("settings serialise as an object, got {other:?}"),
        };
        for group in ["spiking", "lif"] {
            if let Some(serde_json::Value::Object(members)) = options.remove(group) {
                options.extend(members);
            }
        }
        if let Some(serde_json::Value::Object(members)) = options.remove("lfp") {
            let members = members.into_iter();
            options.extend(members.map(|(name, value)| (format!("lfp_{name}"), value)));
        }
        options
    }

    /// The first setting that differs from `other`: its name, our value, and theirs.
    pub fn difference(&self, other: &Self) -> Option<SettingDifference> {
        self.differences(other).into_iter().next()
    }

    /// All settings that differ from `other`. Weights to start from are equal if their content is, wherever the file lies.
    pub fn differences(&self, other: &Self) -> Vec<SettingDifference> {
        let (ours, theirs) = (self.options(), other.options());
        let same_weights = match (&self.pretrained, &other.pretrained) {
            (Some(ours), Some(theirs)) => ours.loads_as(theirs),
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        };
        let all = || ours.keys().chain(theirs.keys());
        let mut names: Vec<&String> = all().collect();
        names.sort_unstable();
        names.dedup();
        // Other models have other settings, so the model is compared first.
        names.sort_by_key(|name| *name != "model");
        let differs = |name: &&String| {
            let is_same_file = *name == "pretrained" && same_weights;
            theirs.get(*name) != ours.get(*name) && !is_same_file
        };
        let difference = |name: &String| SettingDifference {
            name: name.replace('_', "-"),
            is_new: !theirs.contains_key(name),
            ours: shown(ours.get(name)),
            theirs: shown(theirs.get(name)),
        };
        names.into_iter().filter(differs).map(difference).collect()
    }
}

/// The value of a setting as on the command line.
fn shown(value: Option<&serde_json::Value>) -> String {
    match value {
        Some(serde_json::Value::String(text)) => text.clone(),
        // Weights to start from: the file, and how it is read.
        Some(serde_json::Value::Object(members)) => {
            let members = members.iter().filter(|(name, _)| *name != "sha256");
            let shown = members.map(|(_, value)| shown(Some(value)));
            shown.collect::<Vec<_>>().join(" ")
        }
        Some(value) => value.to_string(),
        None => "unset".to_owned(),
    }
}

/// A setting in which two runs differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingDifference {
    name: String,
    /// Whether the other has no such setting.
    is_new: bool,
    ours: String,
    theirs: String,
}

impl SettingDifference {
    /// The option that sets it, without dashes.
    pub(in crate::train) fn option(&self) -> &str {
        &self.name
    }

    /// Whether the other run has no such setting.
    pub(in crate::train) fn is_new(&self) -> bool {
        self.is_new
    }
}

impl fmt::Display for SettingDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name, ours, theirs, ..
        } = self;
        write!(f, "--{name} {theirs}, now --{name} {ours}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use lfp_models::Model;

    use super::*;
    use crate::{data::DataSet, objective::Method, train::Pretrained};

    #[test]
    fn weights_are_the_same_wherever_their_file_lies() {
        let settings = |file: &str, sha256: &str| {
            let of = Settings::new(Model::LENET, DataSet::MNIST, Method::Lfp, 10);
            Settings {
                pretrained: Some(Pretrained {
                    file: file.into(),
                    sha256: sha256.to_owned(),
                    allow: BTreeSet::new(),
                    part: None,
                }),
                ..of
            }
        };
        let ours = settings("a.pth", "01");
        assert_eq!(ours.difference(&settings("./b/a.pth", "01")), None);
        let difference = ours.difference(&settings("b.pth", "02")).unwrap();
        assert_eq!(
            difference.to_string(),
            "--pretrained b.pth, now --pretrained a.pth"
        );
    }

    #[test]
    fn all_differences_are_listed_the_model_first() {
        let ours = Settings::new(Model::LENET, DataSet::MNIST, Method::Lfp, 10);
        let mut theirs = Settings::new(Model::MLP, DataSet::MNIST, Method::Lfp, 10);
        theirs.batch = 7;
        theirs.dropout = Some(0.25);
        let differences = ours.differences(&theirs);
        let names: Vec<&str> = differences.iter().map(|of| of.name.as_str()).collect();
        assert_eq!(names, ["model", "batch", "dropout"]);
    }

    /// Until the form was a setting, spiking networks had the package's.
    #[test]
    fn a_spiking_run_without_the_form_of_its_reward_is_another_run() {
        let ours = Settings::new(Model::SNN_MLP, DataSet::MNIST, Method::Lfp, 10);
        let mut json = serde_json::to_value(&ours).unwrap();
        json.as_object_mut().unwrap().remove("spike_reward");
        let theirs = serde_json::from_value(json).unwrap();
        let difference = ours.difference(&theirs).unwrap().to_string();
        assert_eq!(
            difference,
            "--spike-reward unset, now --spike-reward every-step"
        );

        for (model, method) in [
            (Model::SNN_MLP, Method::Gradient),
            (Model::LENET, Method::Lfp),
        ] {
            let settings = Settings::new(model, DataSet::MNIST, method, 10);
            assert_eq!(settings.spike_reward, None);
        }
    }
}
