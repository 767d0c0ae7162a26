//! Which segments a partition has on disk.

use std::path::Path;

/// The segments of a partition.
#[derive(Debug, PartialEq, Eq)]
pub struct Segments {
    /// The names of the `.log` files, in the order of their offsets.
    pub names: Vec<String>,
    /// The bytes of all of them.
    pub size: u64,
}

/// The segments of a partition on disk.
pub fn of(directory: &Path, (topic, partition): &(String, i32)) -> Segments {
    let files = std::fs::read_dir(directory.join(format!("{topic}-{partition}"))).unwrap();
    let files = files.map(|file| file.unwrap());
    let mut found: Vec<_> = files
        .filter(|file| file.path().extension().is_some_and(|it| it == "log"))
        .map(|file| (file.file_name().into_string().unwrap(), file.metadata().unwrap().len()))
        .collect();
    found.sort();
    Segments {
        size: found.iter().map(|(_, size)| size).sum(),
        names: found.into_iter().map(|(name, _)| name).collect(),
    }
}
