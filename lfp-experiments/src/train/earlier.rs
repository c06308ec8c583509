//! Settings in files of earlier versions.

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned, de::Error};
use serde_json::{Map, Value};

/// Reads a group of settings. One that the file does not have was added later, and has its default: what the version that
/// wrote the file did.
pub(super) fn over_defaults<'de, D, T>(file: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Serialize + DeserializeOwned,
{
    let found = Map::deserialize(file)?;
    let mut all = serde_json::to_value(T::default()).map_err(D::Error::custom)?;
    merge(&mut all, found).map_err(D::Error::custom)?;
    serde_json::from_value(all).map_err(D::Error::custom)
}

/// [`over_defaults`] for a group that not every run has.
pub(super) fn over_defaults_if_any<'de, D, T>(file: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Serialize + DeserializeOwned,
{
    let found = Option::<Value>::deserialize(file)?;
    let read = |found| over_defaults(found).map_err(D::Error::custom);
    found.map(read).transpose()
}

/// Replaces what `found` has. A group within the group is merged in its turn; the value of a setting, which may be an
/// object with the name of a variant, is replaced as a whole. A name that the group does not have is misspelt.
fn merge(all: &mut Value, found: Map<String, Value>) -> Result<(), String> {
    let Value::Object(all) = all else {
        return Ok(());
    };
    for (name, value) in found {
        match (all.get_mut(&name), value) {
            (None, _) => return Err(format!("unknown setting `{name}`")),
            (Some(inner @ Value::Object(_)), Value::Object(found)) if is_group(inner, &found) => {
                merge(inner, found)?;
            }
            (Some(known), value) => *known = value,
        }
    }
    Ok(())
}

/// Whether two objects have a name in common: two variants of a setting have none.
fn is_group(all: &Value, found: &Map<String, Value>) -> bool {
    found.keys().any(|name| all.get(name).is_some())
}

#[cfg(test)]
mod tests {
    use lfp_burn::{LfpConfig, Normalization};
    use lfp_models::{Model, SpikingConfig};

    use crate::{data::DataSet, objective::Method, train::Settings};

    /// The settings of a run without those that `remove` takes away, as an earlier version wrote them.
    fn read_again(settings: &Settings, remove: impl Fn(&mut serde_json::Value)) -> Settings {
        let mut json = serde_json::to_value(settings).unwrap();
        remove(&mut json);
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_setting_that_was_added_later_has_its_default() {
        let mut settings = Settings::new(Model::SNN_MLP, DataSet::MNIST, Method::Lfp, 10);
        settings.lfp = LfpConfig::new().with_epsilon(1e-3);
        settings.spiking = Some(SpikingConfig::new().with_steps(7));
        let defaults = serde_json::to_value(LfpConfig::new()).unwrap();
        let names: Vec<&String> = defaults.as_object().unwrap().keys().collect();
        assert!(names.len() > 3, "{names:?}");
        for name in names.into_iter().filter(|name| *name != "epsilon") {
            let read = read_again(&settings, |json| {
                json["lfp"].as_object_mut().unwrap().remove(name);
            });
            assert_eq!(read, settings, "without {name}");
        }
        let read = read_again(&settings, |json| {
            let lif = json["spiking"]["lif"].as_object_mut().unwrap();
            lif.remove("gradient_normalization").unwrap();
        });
        assert_eq!(read, settings);
    }

    #[test]
    fn a_misspelt_setting_is_named() {
        let settings = Settings::new(Model::SNN_MLP, DataSet::MNIST, Method::Lfp, 10);
        let refused = |path: &[&str], name: &str| {
            let mut json = serde_json::to_value(&settings).unwrap();
            let group = path.iter().fold(&mut json, |json, of| &mut json[of]);
            group[name] = 1.into();
            let error = serde_json::from_value::<Settings>(json).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        };
        refused(&[], "drop_out");
        refused(&["lfp"], "epsilom");
        refused(&["spiking"], "step");
        refused(&["spiking", "lif"], "beat");
    }

    #[test]
    fn what_the_file_has_is_kept() {
        let mut settings = Settings::new(Model::SNN_MLP, DataSet::MNIST, Method::Gradient, 10);
        settings.lfp = LfpConfig::new().with_reward_normalization(Normalization::None);
        let surrogate = lfp_burn::Surrogate::None;
        let lif = lfp_burn::spiking::LifConfig::new().with_surrogate(surrogate);
        settings.spiking = Some(SpikingConfig::new().with_lif(lif));
        assert_eq!(read_again(&settings, |_| ()), settings);
        let dense = Settings::new(Model::MLP, DataSet::MNIST, Method::Lfp, 10);
        assert_eq!(read_again(&dense, |_| ()).spiking, None);
    }
}
