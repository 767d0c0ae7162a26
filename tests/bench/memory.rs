//! Memory that a machine has at hand before something is measured.
//!
//! What a broker writes goes to the system's page cache. On a virtual machine the host may have to provide
//! that memory first. This costs several times the copying, is counted as the writer's time, and depends on
//! what ran before: the same 200 MB took 0.04 s or 0.35 s. So the memory is used once beforehand, for every
//! broker and for the bare program alike.

use std::fs::File;
use std::io::Write;
use std::path::Path;

/// How much is written at once, in bytes: large runs are taken from memory not in use yet.
const AT_ONCE: usize = 1 << 20;

/// Has the host provide memory for `bytes` of a file in `directory`, twice over: index files and sockets need some too.
pub fn provide(directory: &Path, bytes: u64) {
    let path = directory.join("memory");
    let mut file = File::create(&path).unwrap();
    let run = vec![0; AT_ONCE];
    for _ in 0..(2 * bytes).div_ceil(AT_ONCE as u64) {
        file.write_all(&run).unwrap();
    }
    std::fs::remove_file(path).unwrap();
}
