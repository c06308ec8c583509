//! The options that a command line gives.

use std::collections::BTreeSet;

use clap::{ArgMatches, Args, Command, Error, FromArgMatches, parser::ValueSource};

/// The names of the given options, without dashes in front. It must be the first field of its command: those after it take
/// their values out of the matches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given(BTreeSet<String>);

impl Given {
    pub(crate) fn contains(&self, option: &str) -> bool {
        self.0.contains(option)
    }
}

impl Args for Given {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}

impl FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let is_given = |name: &&str| matches.value_source(name) == Some(ValueSource::CommandLine);
        let names = matches.ids().map(|id| id.as_str()).filter(is_given);
        Ok(Self(names.map(|name| name.replace('_', "-")).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Options {
        #[command(flatten)]
        given: Given,
        #[arg(long)]
        weight_decay: Option<f64>,
        #[arg(long)]
        cache: bool,
        #[arg(long, default_value_t = 3)]
        epochs: usize,
    }

    #[test]
    fn a_default_is_not_given() {
        let read = |arguments: &[&str]| Options::try_parse_from([&["program"], arguments].concat());
        let options = read(&["--weight-decay=0"]).unwrap();
        assert!(options.given.contains("weight-decay"));
        assert!(!options.given.contains("cache") && !options.given.contains("epochs"));
        assert_eq!(
            (options.weight_decay, options.cache, options.epochs),
            (Some(0.0), false, 3)
        );
        let options = read(&["--cache", "--epochs", "3"]).unwrap();
        assert!(options.given.contains("cache") && options.given.contains("epochs"));
    }
}
