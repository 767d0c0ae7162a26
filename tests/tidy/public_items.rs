//! Dead code is found though much is public: a public function or constant is used by another file.

use std::collections::{BTreeMap, BTreeSet};

use crate::sources::{code, files, product, report};

/// Functions that macros of their files call where other files expand them.
const OF_MACROS: &[&str] = &["end_flexible", "write_error", "write_tagged"];

fn words(text: &str) -> BTreeSet<&str> {
    text.split(|it: char| !it.is_alphanumeric() && it != '_').collect()
}

/// The public functions, constants and statics of a file.
fn public(code: &str) -> impl Iterator<Item = &str> {
    code.lines().filter_map(|line| {
        let rest = line.trim_start().strip_prefix("pub")?;
        let rest = match rest.strip_prefix('(') {
            Some(rest) => rest.split_once(')')?.1,
            None => rest,
        };
        let mut words = rest.split_whitespace().peekable();
        let mut kind = words.next()?;
        // `const fn` is a function.
        while matches!(kind, "async" | "unsafe") || (kind == "const" && words.peek() == Some(&"fn")) {
            kind = words.next()?;
        }
        let name = words.next()?.split(|it: char| !it.is_alphanumeric() && it != '_').next()?;
        matches!(kind, "fn" | "const" | "static").then_some(name)
    })
}

/// The file of tests that belongs to a file.
fn own_tests(path: &str) -> String {
    match path.strip_suffix("mod.rs") {
        Some(folder) => format!("{folder}tests.rs"),
        None => format!("{}/tests.rs", path.trim_end_matches(".rs")),
    }
}

#[test]
fn what_is_public_is_used_elsewhere() {
    let mut all: BTreeMap<_, _> = files("src", ".rs").into_iter().chain(files("tests", ".rs")).collect();
    // The names in the list above are no uses.
    all.retain(|path, _| !path.starts_with("tests/tidy/"));
    let without_comments: BTreeMap<_, _> = all
        .iter()
        .map(|(path, text)| {
            let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            (path.as_str(), lines.collect::<Vec<_>>().join("\n"))
        })
        .collect();
    let named: BTreeMap<_, _> = without_comments.iter().map(|(path, text)| (*path, words(text))).collect();
    let mut offences = Vec::new();
    for (path, text) in product() {
        let tests = own_tests(&path);
        for name in public(&code(&text)) {
            let used =
                named.iter().any(|(other, words)| *other != path && *other != tests && words.contains(name));
            if !used && !OF_MACROS.contains(&name) {
                offences.push(format!("{path}: {name}"));
            }
        }
    }
    report("a public item is used outside its file", offences);
}
