//! The book names files, tests and sections that exist.

use std::{fs, path::Path};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Name and text of every page.
fn pages() -> Vec<(String, String)> {
    let folder = fs::read_dir(root().join("docs")).unwrap();
    let files = folder.map(|entry| entry.unwrap().path());
    let pages = files.filter(|file| file.extension().is_some_and(|extension| extension == "md"));
    let read = |file: std::path::PathBuf| {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).unwrap();
        (name, text)
    };
    pages.map(read).collect()
}

/// The text between pairs of backticks, outside code blocks.
fn code_spans(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose
        .flat_map(|prose| prose.split('`').skip(1).step_by(2))
        .collect()
}

/// The targets of links, outside code blocks.
fn links(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    let after = prose.flat_map(|prose| prose.split("](").skip(1));
    after.filter_map(|rest| rest.split(')').next()).collect()
}

/// The anchors of a page: its headings in lower case, without punctuation, with hyphens for spaces.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.split("```").step_by(2).flat_map(str::lines);
    let anchor = |heading: &str| {
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = heading
            .chars()
            .filter(|&c| c.is_alphanumeric() || " -_".contains(c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings
        .filter(|line| line.starts_with('#'))
        .map(anchor)
        .collect()
}

#[test]
fn every_test_that_the_table_of_the_paper_names_exists() {
    let text = fs::read_to_string(root().join("docs/paper.md")).unwrap();
    let spans = code_spans(&text).into_iter();
    let named: Vec<_> = spans.filter_map(|span| span.split_once("::")).collect();
    assert!(named.len() > 30, "found {named:?}");
    for (module, test) in named {
        let file = root().join(format!("tests/behaviour/{module}.rs"));
        let source = fs::read_to_string(file).unwrap_or_default();
        let definition = format!("fn {test}(");
        assert!(source.contains(&definition), "{module}::{test}");
    }
}

/// The tests of a crate itself: names in the same row as their files.
#[test]
fn every_unit_test_that_the_table_of_the_paper_names_is_in_the_file_beside_it() {
    let text = fs::read_to_string(root().join("docs/paper.md")).unwrap();
    let is_test = |span: &&str| {
        let in_words = span.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        in_words && span.matches('_').count() >= 3
    };
    let mut found = 0;
    for row in text.lines().filter(|line| line.starts_with('|')) {
        let spans = code_spans(row);
        let files = spans.iter().filter(|span| span.ends_with(".rs"));
        let sources: String = files
            .map(|file| fs::read_to_string(root().join(file)).unwrap_or_default())
            .collect();
        for test in spans.iter().filter(|span| is_test(span)) {
            assert!(sources.contains(&format!("fn {test}(")), "{test} in {row}");
            found += 1;
        }
    }
    assert!(found > 10, "found {found}");
}

#[test]
fn every_source_file_that_the_table_of_the_paper_names_exists() {
    let text = fs::read_to_string(root().join("docs/paper.md")).unwrap();
    let files: Vec<_> = code_spans(&text)
        .into_iter()
        .filter(|span| span.ends_with(".rs"))
        .collect();
    assert!(files.len() > 10, "found {files:?}");
    for file in files {
        let (local, core) = (root().join(file), root().join("lfp-core/src").join(file));
        assert!(local.exists() || core.exists(), "{file}");
    }
}

#[test]
fn every_link_of_the_book_leads_to_a_file_and_a_heading() {
    let pages = pages();
    for (page, text) in &pages {
        for link in links(text).into_iter().filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => page.as_str(),
                file => file,
            };
            assert!(root().join("docs").join(target).exists(), "{page}: {link}");
            let linked = pages.iter().find(|(name, _)| name == target);
            if let (Some((_, text)), false) = (linked, anchor.is_empty()) {
                assert!(anchors(text).contains(&anchor.to_owned()), "{page}: {link}");
            }
        }
    }
}
