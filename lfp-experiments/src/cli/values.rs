//! Parsers of option values.

use std::{
    fmt::Display,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::bail;
use clap::builder::{PathBufValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use lfp_models::Model;

use crate::{
    data::DataSet,
    files,
    limits::{self, Real},
};

/// A model by name; `--help` and errors list all names.
pub(crate) fn model() -> impl TypedValueParser<Value = Model> {
    let names =
        Model::all().map(|model| PossibleValue::new(model.name()).help(model.spec().summary));
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Model>())
}

/// A data set by name; `--help` and errors list all names.
pub(crate) fn data_set() -> impl TypedValueParser<Value = DataSet> {
    let names = DataSet::all()
        .map(|data_set| PossibleValue::new(data_set.name()).help(data_set.spec().summary));
    PossibleValuesParser::new(names).try_map(|name| name.parse::<DataSet>())
}

/// One of the `names` of a type that reads itself from them.
pub(crate) fn one_of<T>(names: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name| name.parse::<T>())
}

/// A path that the run records, so that it must be UTF-8.
pub(crate) fn recorded_path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| files::recorded(&path).map(|_| path))
}

/// A whole number in a range.
pub(crate) fn whole(
    range: RangeInclusive<usize>,
) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync + 'static {
    move |text| match text.parse() {
        Ok(number) => limits::whole(&range, number),
        Err(_) => Err(limits::expected(&range)),
    }
}

pub(crate) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("expected a whole number from 1".to_owned()),
    }
}

pub(crate) fn positive(text: &str) -> Result<f64, String> {
    number(text, limits::POSITIVE)
}

pub(crate) fn not_negative(text: &str) -> Result<f64, String> {
    number(text, limits::NOT_NEGATIVE)
}

pub(crate) fn from_zero_to_one(text: &str) -> Result<f64, String> {
    number(text, limits::FROM_ZERO_TO_ONE)
}

pub(crate) fn below_one(text: &str) -> Result<f64, String> {
    number(text, limits::BELOW_ONE)
}

/// What is no number at all is as far out of range as NaN.
fn number(text: &str, real: Real) -> Result<f64, String> {
    real.check(text.parse().unwrap_or(f64::NAN))
}

/// Refuses a list that names something twice.
///
/// # Errors
///
/// The option, and what it names twice.
pub(crate) fn distinct<T: PartialEq + Display>(option: &str, list: &[T]) -> anyhow::Result<()> {
    for (index, item) in list.iter().enumerate() {
        if list.iter().take(index).any(|earlier| earlier == item) {
            bail!("--{option} names {item} twice");
        }
    }
    Ok(())
}

/// The folder of an option, which must be there if it is given. Otherwise it would count as an empty one.
///
/// # Errors
///
/// If it is not.
pub(crate) fn existing(option: &str, folder: Option<&Path>) -> anyhow::Result<Option<PathBuf>> {
    match folder.map(|folder| (folder, files::not_a_folder(folder))) {
        Some((folder, Some(problem))) => bail!("--{option} {}: {problem}", folder.display()),
        _ => Ok(folder.map(Path::to_owned)),
    }
}

/// Pruning rates: a list in ascending order, or a range in steps of 0.05.
#[derive(Clone, Debug)]
pub(crate) struct Rates(pub(crate) Vec<f64>);

/// `0.1,0.5`, or `0..1` in steps of 0.05.
pub(crate) fn rates(text: &str) -> Result<Rates, String> {
    let rates: Vec<f64> = match text.split_once("..") {
        None => text
            .split(',')
            .map(from_zero_to_one)
            .collect::<Result<_, _>>()?,
        Some((from, to)) => {
            let (from, to) = (from_zero_to_one(from)?, from_zero_to_one(to)?);
            // 1e-9 keeps the last rate, which multiples of 0.05 miss by rounding.
            let steps = ((to - from) / 0.05 + 1e-9).floor() as i32;
            let rate = |step| ((from + f64::from(step) * 0.05) * 1e6).round() / 1e6;
            (0..=steps).map(rate).collect()
        }
    };
    let ascending = rates.windows(2).all(|pair| pair[0] < pair[1]);
    match ascending && !rates.is_empty() {
        true => Ok(Rates(rates)),
        false => Err("expected different rates in ascending order".to_owned()),
    }
}
