//! The project's own files, as the laws read them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder` that ends in `ending`, relative to the root, with its text.
pub fn files(folder: &str, ending: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![root().join(folder)];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.to_string_lossy().ends_with(ending) {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    assert!(!found.is_empty(), "nothing ends in {ending} below {folder}");
    found
}

/// The names of the files directly in `folder` that end in `ending`, without that ending.
pub fn stems(folder: &str, ending: &str) -> BTreeSet<String> {
    fs::read_dir(root().join(folder))
        .unwrap()
        .filter_map(|entry| {
            entry.unwrap().file_name().to_string_lossy().strip_suffix(ending).map(str::to_owned)
        })
        .collect()
}

/// A line without the content of its quoted texts.
pub fn without_texts(line: &str) -> String {
    let mut bare = String::new();
    let is_comment = line.trim_start().starts_with("//");
    let (mut quoted, mut escaped) = (false, false);
    let line = line.split("r#\"").next().unwrap_or_default();
    for letter in line.chars() {
        if !quoted || is_comment {
            bare.push(letter);
        }
        quoted ^= letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
    }
    bare
}

pub fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// The code of a file: without comment lines, up to the tests at its end.
pub fn code(text: &str) -> String {
    text.split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default()
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

pub fn report(rule: &str, offences: Vec<String>) {
    assert!(offences.is_empty(), "{rule}:\n  {}", offences.join("\n  "));
}

/// The `//!` lines a file begins with, without their marks.
pub fn head(text: &str) -> String {
    text.lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The sentences of a file's head, each with its full stop.
pub fn sentences(text: &str) -> Vec<String> {
    let paragraphs = head(text);
    paragraphs
        .split("\n\n")
        .flat_map(|paragraph| {
            let joined = paragraph.lines().collect::<Vec<_>>().join(" ");
            joined.split_inclusive(". ").map(|sentence| sentence.trim().to_owned()).collect::<Vec<_>>()
        })
        .collect()
}

/// The product's sources: everything below `src/` but tests.
pub fn product() -> BTreeMap<String, String> {
    files("src", ".rs").into_iter().filter(|(path, _)| !is_test(path)).collect()
}
