//! Which segments a partition has on disk.

use std::path::Path;

/// The names of a partition's segment files, in the order of their offsets.
pub fn of(directory: &Path, (topic, partition): &(String, i32)) -> Vec<String> {
    let files = std::fs::read_dir(directory.join(format!("{topic}-{partition}"))).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut found: Vec<_> = names.filter(|name| name.ends_with(".log")).collect();
    found.sort();
    found
}
