//! Parsers of option values.

use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use lfp_models::Model;

use crate::data::DataSet;

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

pub(crate) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("expected a whole number from 1".to_owned()),
    }
}

/// The networks halve an image up to five times.
pub(crate) fn image_size(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(size) if (32..=4096).contains(&size) => Ok(size),
        _ => Err("expected a whole number from 32 to 4096".to_owned()),
    }
}

pub(crate) fn positive(text: &str) -> Result<f64, String> {
    number(text, "a positive number", |number| number > 0.0)
}

pub(crate) fn not_negative(text: &str) -> Result<f64, String> {
    number(text, "0 or a positive number", |number| number >= 0.0)
}

pub(crate) fn from_zero_to_one(text: &str) -> Result<f64, String> {
    number(text, "a number from 0 to 1", |number| {
        (0.0..=1.0).contains(&number)
    })
}

pub(crate) fn below_one(text: &str) -> Result<f64, String> {
    number(text, "a number from 0 to below 1", |number| {
        (0.0..1.0).contains(&number)
    })
}

fn number(text: &str, expected: &str, accept: impl FnOnce(f64) -> bool) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if f64::is_finite(number) && accept(number) => Ok(number),
        _ => Err(format!("expected {expected}")),
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
