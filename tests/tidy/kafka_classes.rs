//! Kafka's classes are found: the table in ARCHITECTURE.md, "Where Kafka's classes are", is true.

use std::fs;

use crate::sources::{head, report, root};

/// A row of the table.
struct Row {
    class: String,
    place: String,
}

fn rows(page: &str) -> Vec<Row> {
    let section =
        page.split("\n## ").find(|it| it.starts_with("Where Kafka's classes are")).unwrap_or_default();
    let cells = section.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.trim_end().trim_end_matches('|').splitn(2, '|');
        Some((cells.next()?.trim().trim_end_matches('`'), cells.next()?.trim()))
    });
    cells.map(|(class, place)| Row { class: class.to_owned(), place: place.to_owned() }).collect()
}

#[test]
fn kafkas_classes_are_where_the_table_has_them() {
    let page = fs::read_to_string(root().join("src/ARCHITECTURE.md")).unwrap();
    let rows = rows(&page);
    assert!(rows.len() > 60, "the table has {} rows", rows.len());
    let mut offences = Vec::new();
    for Row { class, place } in &rows {
        if let Some(reason) = place.strip_prefix("absent") {
            if reason.trim_start_matches([':', ' ']).is_empty() {
                offences.push(format!("{class} is absent for no reason"));
            }
            continue;
        }
        let path = place.trim_start_matches('`').split('`').next().unwrap_or_default();
        let Ok(text) = fs::read_to_string(root().join("src").join(path)) else {
            offences.push(format!("{class}: src/{path} does not exist"));
            continue;
        };
        let named = head(&text).split(|it: char| !it.is_alphanumeric()).any(|word| word == class)
            || text.contains(&format!("struct {class} "))
            || text.contains(&format!("enum {class} "));
        if !named && !text.contains(&format!("doc(alias = \"{class}\")")) {
            offences
                .push(format!("{class}: src/{path} names it neither in its head nor by a type or its alias"));
        }
    }
    report("each class of Kafka's is where the table has it", offences);
}

#[test]
fn rows_stand_in_order() {
    let page = fs::read_to_string(root().join("src/ARCHITECTURE.md")).unwrap();
    let classes: Vec<_> = rows(&page).into_iter().map(|row| row.class.to_lowercase()).collect();
    assert!(classes.is_sorted(), "the table is not in alphabetical order: {classes:?}");
}
