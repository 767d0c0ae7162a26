//! What a file is called, how it begins, how wide it is, and what it may not hold.

use std::path::Path;

use crate::sources::{code, files, is_test, report, without_texts};

#[test]
fn every_file_begins_with_its_purpose() {
    let sources = files("src", ".rs").into_iter().chain(files("tests", ".rs"));
    let silent = sources
        .filter(|(path, text)| !text.starts_with("//!") && path != "src/lib.rs" && !is_test(path))
        .map(|(path, _)| path);
    report("a file begins with what it is for", silent.collect());
}

#[test]
fn file_names_are_not_empty_words() {
    let empty = ["util", "utils", "common", "helper", "helpers", "manager", "service", "impl", "misc"];
    let vague = files("src", ".rs").into_keys().filter(|path| {
        let path = Path::new(path);
        path.components().any(|part| {
            let name = part.as_os_str().to_string_lossy();
            empty.contains(&name.trim_end_matches(".rs"))
        })
    });
    report("no room or file with an empty name", vague.collect());
}

#[test]
fn nothing_is_left_to_do_in_the_code() {
    let marks = ["TODO", "FIXME", "XXX", "todo!(", "unimplemented!("];
    let marked = files("src", ".rs").into_iter().flat_map(|(path, text)| {
        marks
            .iter()
            .filter(|mark| text.contains(**mark))
            .map(|mark| format!("{path}: {mark}"))
            .collect::<Vec<_>>()
    });
    report("what is missing is an issue, not a mark in the code", marked.collect());
}

#[test]
fn errors_are_enums() {
    let mut textual = Vec::new();
    for (path, text) in files("src", ".rs") {
        // The second parameter of a map is no error.
        let is_textual = |line: &&str| {
            line.contains("Result<") && line.replace("Map<String, String>", "").contains(", String>")
        };
        textual.extend(code(&text).lines().filter(is_textual).map(|line| format!("{path}: {}", line.trim())));
    }
    report("an error is an enum, not a text", textual);
}

/// The widest a line may be, in characters.
const WIDEST: usize = 120;

/// Files that are tables: a row a line.
const TABLES: &[&str] = &[
    "src/config/broker.rs",
    "src/config/topic.rs",
    "src/config/throttles.rs",
    "src/wire/error_code.rs",
    "src/wire/message/",
];

#[test]
fn lines_fit_a_screen() {
    let mut wider = Vec::new();
    for (path, text) in files("src", ".rs").into_iter().chain(files("tests", ".rs")) {
        if TABLES.iter().any(|start| path.starts_with(start)) {
            continue;
        }
        for (at, line) in text.lines().enumerate() {
            // A text stays whole: a log line, an error, what a test expects. It may go on in the next line.
            let goes_on = line.ends_with('\\');
            if !goes_on && line.chars().count() > WIDEST && without_texts(line).chars().count() > WIDEST {
                wider.push(format!("{path}:{}", at + 1));
            }
        }
    }
    report("a line is at most 120 characters wide, tables and texts aside", wider);
}
