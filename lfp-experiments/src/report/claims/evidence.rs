//! Our results of a figure, compared method by method.

use super::Finding;
use crate::{
    report::results::Curve,
    study::{
        MethodVariant,
        report::{Entry, Ran, Report},
    },
};

/// Our results of a figure.
pub(in crate::report) struct Evidence<'a> {
    pub(in crate::report) report: &'a Report,
    pub(in crate::report) curves: &'a [Curve],
}

/// A condition with what LFP and another method measured.
pub(super) type Pair<'a> = (&'a str, &'a Ran, &'a Ran);

impl<'a> Evidence<'a> {
    /// The entries that were run.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a Entry, &'a Ran)> {
        let entries = self.report.results.iter();
        entries.filter_map(|entry| Some((entry, entry.ran()?)))
    }

    pub(super) fn of_method(
        &self,
        method: MethodVariant,
    ) -> impl Iterator<Item = (&'a Entry, &'a Ran)> {
        self.entries()
            .filter(move |(entry, _)| entry.method == method)
    }

    pub(super) fn pairs_with(&self, other: MethodVariant) -> Vec<Pair<'a>> {
        let others: Vec<_> = self.of_method(other).collect();
        let pair = |(entry, lfp): (&'a Entry, &'a Ran)| {
            let mut others = others.iter();
            let (_, other) = others.find(|(other, _)| other.condition == entry.condition)?;
            Some((entry.name(), lfp, *other))
        };
        self.of_method(MethodVariant::Lfp)
            .filter_map(pair)
            .collect()
    }

    pub(super) fn pairs(&self) -> Vec<Pair<'a>> {
        self.pairs_with(MethodVariant::Gradient)
    }

    /// Whether LFP and gradient are as `judge` has it, condition by condition.
    pub(super) fn compare(
        &self,
        judge: impl Fn(&str, &Ran, &Ran) -> (String, bool),
    ) -> Option<Finding> {
        self.compare_if(|name, lfp, other| Some(judge(name, lfp, other)))
    }

    pub(super) fn compare_if(
        &self,
        judge: impl Fn(&str, &Ran, &Ran) -> Option<(String, bool)>,
    ) -> Option<Finding> {
        self.compare_with(MethodVariant::Gradient, judge)
    }

    pub(super) fn compare_with(
        &self,
        other: MethodVariant,
        judge: impl Fn(&str, &Ran, &Ran) -> Option<(String, bool)>,
    ) -> Option<Finding> {
        let pairs = self.pairs_with(other);
        Finding::all(pairs.into_iter().filter_map(|(name, lfp, other)| {
            let (text, confirmed) = judge(name, lfp, other)?;
            Some((format!("{name}: {text}"), confirmed))
        }))
    }
}
