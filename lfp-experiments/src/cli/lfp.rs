//! The options of a propagation: one for each field of [`LfpConfig`], made from its own description.

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, builder::PossibleValuesParser};
use lfp_burn::{ConfigOption, LfpConfig};
use serde_json::{Map, Value};

use super::values;

/// The options `--lfp-...`, as far as they are given.
#[derive(Clone, Debug, Default)]
pub(crate) struct LfpArgs {
    given: Vec<(&'static ConfigOption, Value)>,
}

impl LfpArgs {
    /// The settings `base` with those that are given.
    pub(crate) fn applied_to(&self, base: LfpConfig) -> serde_json::Result<LfpConfig> {
        let mut fields = fields(base)?;
        for (option, value) in &self.given {
            fields.insert(option.field.to_owned(), value.clone());
        }
        serde_json::from_value(Value::Object(fields))
    }
}

fn fields(config: LfpConfig) -> serde_json::Result<Map<String, Value>> {
    match serde_json::to_value(config)? {
        Value::Object(fields) => Ok(fields),
        _ => Ok(Map::new()),
    }
}

fn name(option: &ConfigOption) -> String {
    format!("lfp-{}", option.field.replace('_', "-"))
}

fn argument(option: &'static ConfigOption) -> Arg {
    let default = fields(LfpConfig::new())
        .ok()
        .and_then(|mut of| of.remove(option.field));
    let default = match default {
        Some(Value::String(text)) => format!(" [default: {text}]"),
        // The help says where the number comes from.
        Some(Value::Null) | None => String::new(),
        Some(value) => format!(" [default: {value}]"),
    };
    let argument = Arg::new(name(option))
        .long(name(option))
        .help(format!("{}{default}", option.help))
        .help_heading("LFP");
    match option.values {
        [] => argument
            .value_name("NUMBER")
            .value_parser(clap::builder::ValueParser::new(match option.zero {
                true => values::not_negative,
                false => values::positive,
            })),
        values => argument.value_parser(PossibleValuesParser::new(values)),
    }
}

impl Args for LfpArgs {
    fn augment_args(command: Command) -> Command {
        command.args(LfpConfig::OPTIONS.iter().map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for LfpArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let value = |option: &'static ConfigOption| {
            let value = match option.values {
                [] => Value::from(*matches.get_one::<f64>(&name(option))?),
                _ => Value::from(matches.get_one::<String>(&name(option))?.clone()),
            };
            Some((option, value))
        };
        Ok(Self {
            given: LfpConfig::OPTIONS.iter().filter_map(value).collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use lfp_burn::Normalization;

    use super::*;

    #[derive(Parser)]
    struct Options {
        #[command(flatten)]
        lfp: LfpArgs,
    }

    #[test]
    fn every_setting_of_a_propagation_is_an_option() {
        for option in LfpConfig::OPTIONS {
            let value = option.values.last().copied().unwrap_or("0.25");
            let flag = format!("--{}={value}", name(option));
            let options = Options::try_parse_from(["program", &flag]).unwrap();
            let config =
                serde_json::to_value(options.lfp.applied_to(LfpConfig::new()).unwrap()).unwrap();
            let found = &config[option.field];
            assert_eq!(
                found.as_str().map_or(found.to_string(), str::to_owned),
                value
            );
        }
        let none = Options::try_parse_from(["program"]).unwrap();
        assert_eq!(
            none.lfp.applied_to(LfpConfig::new()).unwrap(),
            LfpConfig::new()
        );
        let flag = "--lfp-reward-normalization=none";
        let options = Options::try_parse_from(["program", flag]).unwrap();
        let config = options.lfp.applied_to(LfpConfig::new()).unwrap();
        assert_eq!(config.reward_normalization, Normalization::None);
        assert!(Options::try_parse_from(["program", "--lfp-epsilon=0"]).is_err());
        let options = Options::try_parse_from(["program", "--lfp-embedding-epsilon=0"]).unwrap();
        assert_eq!(
            options
                .lfp
                .applied_to(LfpConfig::new())
                .unwrap()
                .embedding_epsilon,
            Some(0.0)
        );
    }
}
