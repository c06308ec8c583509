//! Text for people.

use std::{ffi::OsStr, iter};

const MINUTE: f64 = 60.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

/// A duration with two digits in its largest unit, such as `40 s`, `7.5 min` or `12 h`.
pub(crate) fn duration(seconds: f64) -> String {
    let units = [(DAY, "days"), (HOUR, "h"), (MINUTE, "min")];
    let unit = units.into_iter().find(|(length, _)| seconds >= *length);
    match unit.map(|(length, unit)| (seconds / length, unit)) {
        Some((count, unit)) if count < 10.0 => format!("{count:.1} {unit}"),
        Some((count, unit)) => format!("{count:.0} {unit}"),
        None => format!("{:.0} s", seconds.max(1.0)),
    }
}

/// A number of things, such as `1 seed`, `3 seeds` or `2 classes`.
pub(crate) fn counted(count: usize, thing: &str) -> String {
    match (count, thing.ends_with('s')) {
        (1, _) => format!("1 {thing}"),
        (_, true) => format!("{count} {thing}es"),
        (_, false) => format!("{count} {thing}s"),
    }
}

/// A share that the user gave, such as `7 %`, to seven digits.
pub(crate) fn given_percent(share: f64) -> String {
    // The product is rounded: 100 times 0.07 is a little more than 7.
    format!("{} %", (100.0 * share) as f32)
}

/// The text in one line, without characters that control a terminal: names of files may contain any.
pub fn escaped(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        match character.is_control() {
            true => line.extend(character.escape_default()),
            false => line.push(character),
        }
    }
    line
}

/// An argument as a shell takes it, in one line. What no line can hold is written as `$'...'`, which most shells know.
pub(crate) fn shell_quoted(argument: impl AsRef<OsStr>) -> String {
    let argument = argument.as_ref();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:".contains(c);
    match argument.to_str() {
        Some(text) if text.chars().all(plain) && !text.is_empty() => text.to_owned(),
        Some(text) if !text.contains(char::is_control) => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        _ => format!("$'{}'", in_octal(argument.as_encoded_bytes())),
    }
}

/// The text within `$'...'`: octal numbers but for printable ASCII that has no meaning there.
fn in_octal(bytes: &[u8]) -> String {
    let character = |&byte: &u8| match byte {
        b' '..=b'~' if !b"'\\".contains(&byte) => char::from(byte).to_string(),
        _ => format!("\\{byte:03o}"),
    };
    bytes.iter().map(character).collect()
}

/// A table in columns, each as wide as its widest cell.
pub(crate) fn columns(header: &[&str], rows: &[impl AsRef<[String]>]) -> String {
    let header: Vec<String> = header.iter().map(|&title| title.to_owned()).collect();
    let all = || iter::once(header.as_slice()).chain(rows.iter().map(AsRef::as_ref));
    let mut widths = Vec::new();
    for row in all() {
        widths.resize(row.len().max(widths.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let lines = all().map(|row| {
        let cells = row.iter().zip(&widths);
        let padded: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        padded.join("  ").trim_end().to_owned() + "\n"
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_two_digits_in_its_largest_unit() {
        let text = [0.2, 59.0, 450.0, 1_800.0, 43_200.0, 200_000.0].map(duration);
        let expected = ["1 s", "59 s", "7.5 min", "30 min", "12 h", "2.3 days"];
        assert_eq!(text, expected);
    }

    #[test]
    fn one_thing_is_no_plural() {
        assert_eq!(
            [0, 1, 2].map(|count| counted(count, "seed")),
            ["0 seeds", "1 seed", "2 seeds"]
        );
        assert_eq!(
            [1, 2].map(|count| counted(count, "class")),
            ["1 class", "2 classes"]
        );
    }

    #[test]
    fn a_given_share_keeps_its_digits() {
        let shares = [0.0, 0.07, 0.125, 1e-6, 1.0].map(given_percent);
        assert_eq!(shares, ["0 %", "7 %", "12.5 %", "0.0001 %", "100 %"]);
    }

    #[test]
    fn control_characters_are_escaped() {
        let name = "a\n\u{1b}[31m\u{85}\u{3b2}\u{2009}b";
        assert_eq!(escaped(name), "a\\n\\u{1b}[31m\\u{85}\u{3b2}\u{2009}b");
    }

    #[test]
    #[cfg(unix)]
    fn a_shell_takes_an_argument_as_it_was() {
        use std::{os::unix::ffi::OsStrExt, process::Command};

        let arguments: [(&[u8], &str); 6] = [
            (b"runs/a-1.5", "runs/a-1.5"),
            (b"", "''"),
            (b"a run", "'a run'"),
            (b"it's", r"'it'\''s'"),
            (b"it's\n\\7", r"$'it\047s\012\1347'"),
            (b"a\xff0", r"$'a\3770'"),
        ];
        for (argument, quoted) in arguments {
            assert_eq!(shell_quoted(OsStr::from_bytes(argument)), quoted);
            let line = format!("printf %s {quoted}");
            let Ok(output) = Command::new("bash").args(["-c", &line]).output() else {
                eprintln!("skipped in part: no bash");
                continue;
            };
            assert_eq!(output.stdout, argument, "{quoted}");
        }
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["\u{3b2}".to_owned(), "1".to_owned()]];
        assert_eq!(columns(&["name", "n"], &rows), "name  n\n\u{3b2}     1\n");
    }
}
