//! What was written to ZooKeeper, one transaction after the other, as the server's own log has it: also what
//! was there for a moment only.

use std::path::Path;

/// A file's header: a magic number, a version, a database's id.
const HEADER: usize = 16;

/// The changes below a chroot, in order, one a line: `set PATH DATA`, `create PATH DATA`, `delete PATH`;
/// those that hold only as long as a znode has a version are preceded by `if PATH:`.
pub fn changes(data_dir: &Path, chroot: &str) -> Vec<String> {
    let logs = std::fs::read_dir(data_dir.join("version-2")).unwrap();
    let mut logs: Vec<_> = logs.map(|entry| entry.unwrap().path()).collect();
    logs.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("log.")));
    logs.sort();
    let mut lines = Vec::new();
    for log in logs {
        let bytes = std::fs::read(log).unwrap();
        let mut rest = Reader { bytes: &bytes[HEADER.min(bytes.len())..], chroot };
        // A checksum, a length; the log ends in zeros.
        while let Some(length) = rest.long().and_then(|_| rest.int()).filter(|length| *length > 0) {
            let Some(entry) = rest.take(length as usize) else { break };
            lines.extend(Reader { bytes: entry, chroot }.transaction());
            rest.take(1);
        }
    }
    lines
}

struct Reader<'a> {
    bytes: &'a [u8],
    chroot: &'a str,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    fn int(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn long(&mut self) -> Option<i64> {
        Some(i64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.int()?).unwrap_or(0);
        Some(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    /// A path relative to the chroot; None for one outside it.
    fn path(&mut self) -> Option<String> {
        Some(self.text()?.strip_prefix(self.chroot)?.to_owned())
    }

    /// Session, cxid, zxid, time, kind, and what it did.
    fn transaction(mut self) -> Option<String> {
        self.take(8 + 4 + 8 + 8)?;
        let kind = self.int()?;
        self.change(kind)
    }

    fn change(&mut self, kind: i32) -> Option<String> {
        match kind {
            1 | 15 | 19 => Some(format!("create {} {}", self.path()?, self.text()?)),
            2 => Some(format!("delete {}", self.path()?)),
            5 => Some(format!("set {} {}", self.path()?, self.text()?)),
            13 => Some(format!("if {}:", self.path()?)),
            14 => {
                let count = self.int()?;
                let mut parts = Vec::new();
                for _ in 0..count {
                    let kind = self.int()?;
                    let length = usize::try_from(self.int()?).ok()?;
                    parts.push(Reader { bytes: self.take(length)?, chroot: self.chroot }.change(kind)?);
                }
                Some(parts.join(" "))
            }
            _ => None,
        }
    }
}
