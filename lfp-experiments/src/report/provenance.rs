//! How results were made: command, settings, seeds, time, machine, versions.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::{number, sections::text};
use crate::{
    machine::Machine,
    study::report::{Entry, Header, Report, without_folders},
    text::shell_quoted,
};

/// What a report says of its making. Members that a file of an older version lacks are left out.
pub(super) fn provenance(report: &Report) -> Markup {
    let Header {
        profile,
        command,
        date,
        seconds,
        machine,
        versions,
        ..
    } = &report.header;
    let facts = [
        ("Profile", profile.clone()),
        ("Seeds", seeds(report)),
        ("Samples", samples(&report.results)),
        ("Training time", seconds.map(duration)),
        ("Date", date.clone()),
        ("Machine", machine.as_ref().map(describe)),
        (
            "Versions",
            versions
                .as_ref()
                .map(|of| format!("lfp {}, Burn {}", of.lfp, of.burn)),
        ),
    ];
    let settings = settings(report);
    html! {
        dl {
            @if !command.is_empty() { dt { "Command" } dd { code { (shell(command)) } } }
            @for (name, fact) in facts {
                @if let Some(fact) = fact { dt { (name) } dd { (fact) } }
            }
        }
        @if !settings.is_empty() {
            details.print {
                summary { "Settings" }
                dl { @for (name, value) in settings { dt { (name) } dd { (value) } } }
            }
        }
    }
}

/// The command as one types it, without the folders of absolute paths.
pub(crate) fn shell(arguments: &[String]) -> String {
    let quote = |argument: &String| shell_quoted(without_folders(argument.clone()));
    let arguments: Vec<String> = arguments.iter().map(quote).collect();
    format!("lfp-experiments {}", arguments.join(" "))
}

fn seeds(report: &Report) -> Option<String> {
    let seeds = report.results.iter().map(|entry| &entry.seeds);
    let longest = seeds.max_by_key(|seeds| seeds.len())?;
    let seeds: Vec<String> = longest.iter().map(u64::to_string).collect();
    Some(seeds.join(", "))
}

fn samples(entries: &[Entry]) -> Option<String> {
    let mut by_data: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for entry in entries {
        let Some([train, test]) = entry.ran().and_then(|ran| ran.samples) else {
            continue;
        };
        let samples = by_data.entry(&entry.dataset).or_default();
        let text = format!("{train} for training, {test} for testing");
        if !samples.contains(&text) {
            samples.push(text);
        }
    }
    let lines: Vec<String> = by_data
        .iter()
        .map(|(data, samples)| format!("{data}: {}", samples.join(" or ")))
        .collect();
    (!lines.is_empty()).then(|| lines.join("; "))
}

/// A time with its unit.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        ..120.0 => format!("{seconds:.1} s"),
        ..7200.0 => format!("{:.1} minutes", seconds / 60.0),
        _ => format!("{:.1} hours", seconds / 3600.0),
    }
}

/// A machine without its unknown members.
pub(crate) fn describe(machine: &Machine) -> String {
    let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let facts = [
        known(&machine.processor),
        (machine.cores > 0).then(|| format!("{} threads", machine.cores)),
        (machine.memory_gib > 0.0).then(|| format!("{} GiB", machine.memory_gib)),
        known(&machine.system),
        known(&machine.device).map(|device| format!("device {device}")),
    ];
    facts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Settings by name, with all values that occur.
fn settings(report: &Report) -> BTreeMap<String, String> {
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut collect = |settings: &Map<String, Value>| {
        for (name, value) in settings {
            flatten(name, value, &mut values);
        }
    };
    for ran in report.results.iter().filter_map(Entry::ran) {
        collect(&ran.settings);
        let rates = ran.by_learning_rate.iter().map(|of| of.lr);
        let (low, high) = rates.fold((f64::MAX, f64::MIN), |(low, high), lr| {
            (low.min(lr), high.max(lr))
        });
        if low <= high {
            let rates = format!(
                "{} from {} to {}",
                ran.by_learning_rate.len(),
                number(low),
                number(high)
            );
            collect(&Map::from_iter([(
                "learning rates".to_owned(),
                rates.into(),
            )]));
        }
    }
    // Members of a report of another kind.
    let scalars = report.rest.iter().filter(|(_, value)| !value.is_array());
    collect(
        &scalars
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    );
    values
        .into_iter()
        .map(|(name, values)| (name, values.join(" or ")))
        .collect()
}

fn flatten(name: &str, value: &Value, into: &mut BTreeMap<String, Vec<String>>) {
    if let Value::Object(members) = value {
        for (member, value) in members {
            flatten(&format!("{name}.{member}"), value, into);
        }
        return;
    }
    let values = into.entry(name.to_owned()).or_default();
    let text = without_folders(text(value));
    if !values.contains(&text) {
        values.push(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_typed_as_shown() {
        let arguments = ["train", "--out", "/home/joe/my run", "it's"].map(str::to_owned);
        assert_eq!(
            shell(&arguments),
            r"lfp-experiments train --out 'my run' 'it'\''s'"
        );
    }

    #[test]
    fn durations_have_a_unit_that_suits_them() {
        let cases = [
            (59.96, "60.0 s"),
            (600.0, "10.0 minutes"),
            (9000.0, "2.5 hours"),
        ];
        for (seconds, text) in cases {
            assert_eq!(duration(seconds), text);
        }
    }
}
