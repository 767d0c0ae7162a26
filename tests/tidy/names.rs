//! One word, one meaning: a type's name stands once in the tree, and verbs describe what happens.

use std::collections::{BTreeMap, BTreeSet};

use crate::sources::{code, files, product, report};

/// Words that no name is made of, and what to use instead.
const BANNED: &[(&str, &str)] = &[
    ("tell", "notify, send, answer or log"),
    ("tells", "notifies, sends, answers or logs"),
    ("told", "the name of the state: leadership, request, notice"),
    ("heed", "apply, accept or watch"),
    ("heeds", "accepts"),
    ("heeded", "applied or accepted"),
    ("say", "log or print"),
    ("says", "logs or prints"),
    ("said", "logged or reported"),
    ("cut", "truncate, delete_before or split"),
    ("cuts", "truncates, deletes or splits"),
    ("place", "slot, position, path or placement"),
    ("places", "slots, positions, paths or placements"),
    ("placed", "assigned or written"),
    ("held", "guard, locked, open or throttled"),
    ("ours", "local"),
    ("theirs", "remote"),
    ("upkeep", "roll, flush or retention"),
    ("chore", "task"),
    ("chores", "tasks"),
    ("manner", "options"),
];

/// Words that no comment uses, and what to write instead.
const BANNED_IN_COMMENTS: &[(&str, &str)] = &[
    ("who", "the follower, the broker, the client"),
    ("whoever", "the follower, the broker, the client"),
    ("whom", "the follower, the broker, the client"),
    ("nobody", "no follower, no broker, no client"),
    ("somebody", "another broker, another client"),
    ("everybody", "every replica, all brokers"),
    ("everyone", "every replica, all brokers"),
    ("say", "log, print or contain"),
    ("says", "logs, prints or contains"),
    ("said", "logged, printed or contained"),
    ("told", "notified, sent, answered or logged"),
    ("tell", "notify, send, answer or show"),
    ("tells", "notifies, sends, answers or shows"),
    ("heed", "accept, apply or use"),
    ("heeds", "accepts, applies or uses"),
    ("heeded", "accepted, applied or used"),
    ("theirs", "the other side's"),
    ("upkeep", "roll, flush or retention"),
];

/// Names that are made of a banned word because a library has them.
const FOREIGN: &[&str] = &["block_in_place"];

/// The names of the types that a file declares.
fn types(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in code.lines() {
        // A type below an item is one of its associated types.
        let nested = line.starts_with(' ');
        let line = line.trim_start();
        let line = match line.strip_prefix("pub") {
            Some(rest) if rest.starts_with('(') => rest.split_once(')').map_or(rest, |(_, rest)| rest),
            Some(rest) => rest,
            None => line,
        };
        let mut words = line.trim_start().split(|it: char| !it.is_alphanumeric() && it != '_');
        let is_type = match words.next() {
            Some("struct" | "enum" | "trait" | "union") => true,
            Some("type") => !nested,
            _ => false,
        };
        let name = words.next().unwrap_or_default();
        if is_type && name.starts_with(|it: char| it.is_ascii_uppercase()) {
            found.insert(name.to_owned());
        }
    }
    found
}

#[test]
fn a_type_name_stands_once_in_the_tree() {
    let mut declared: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in product() {
        for name in types(&code(&text)) {
            declared.entry(name).or_default().push(path.clone());
        }
    }
    let twice = declared.into_iter().filter(|(_, paths)| paths.len() > 1);
    report(
        "a type name stands once in the tree",
        twice.map(|(name, paths)| format!("{name}: {}", paths.join(", "))).collect(),
    );
}

/// The code of a line: without what stands in quotes or behind `//`.
fn bare(line: &str) -> String {
    let mut bare = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for letter in line.split("//").next().unwrap_or_default().chars() {
        if !quoted {
            bare.push(letter);
        }
        quoted ^= letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
    }
    bare
}

#[test]
fn names_are_made_of_the_fields_own_words() {
    let mut offences = BTreeSet::new();
    for (path, text) in product() {
        for line in code(&text).lines().map(bare) {
            for name in line.split(|it: char| !it.is_alphanumeric() && it != '_') {
                let plain = name.starts_with(|it: char| it.is_ascii_lowercase() || it == '_');
                if !plain || FOREIGN.contains(&name) {
                    continue;
                }
                let banned = BANNED.iter().filter(|(word, _)| name.split('_').any(|part| part == *word));
                offences.extend(
                    banned.map(|(word, instead)| format!("{path}: {name}; instead of {word}: {instead}")),
                );
            }
        }
    }
    report("no name is made of these words", offences.into_iter().collect());
}

/// The comment of a line, without what stands in backticks.
fn comment(line: &str) -> String {
    let text = line.split_once("//").map_or("", |(_, comment)| comment);
    text.split('`').step_by(2).collect::<Vec<_>>().join(" ")
}

#[test]
fn comments_are_written_in_plain_words() {
    let mut offences = Vec::new();
    for (path, text) in files("src", ".rs").into_iter().chain(files("tests", ".rs")) {
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.contains("://")) {
            let comment = comment(line).to_lowercase();
            for word in comment.split(|it: char| !it.is_alphanumeric()) {
                let banned = BANNED_IN_COMMENTS.iter().filter(|(banned, _)| *banned == word);
                offences.extend(
                    banned.map(|(_, instead)| format!("{path}:{}: instead of {word}: {instead}", at + 1)),
                );
            }
        }
    }
    report("no comment uses these words", offences);
}
