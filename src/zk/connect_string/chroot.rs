//! Which paths may be a chroot. ZooKeeper: `PathUtils.validatePath`.
//!
//! Pure. A trailing slash is refused, as Java refuses it: if it were ignored, the path would name another cluster to
//! some clients.

/// Why a path is refused. Positions are counted in UTF-16 units from the start of the path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChrootError {
    /// It ends with a slash.
    #[error("Path must not end with / character")]
    TrailingSlash,
    /// One of its names is no name.
    #[error("Invalid path string \"{path}\" caused by {fault} @{at}")]
    Name {
        /// The whole path.
        path: String,
        /// What is wrong.
        fault: NameFault,
        /// Where.
        at: usize,
    },
}

/// Why a znode's name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// It is empty.
    #[error("empty node name specified")]
    Empty,
    /// It is `.` or `..`.
    #[error("relative paths not allowed")]
    Relative,
    /// It contains the character 0.
    #[error("null character not allowed")]
    NullCharacter,
    /// It contains a character that ZooKeeper does not store.
    #[error("invalid character")]
    InvalidCharacter,
}

/// The chroot that stands behind the servers: a path, or nothing for the root.
///
/// # Errors
/// The first reason against the path.
pub(super) fn check(path: &str) -> Result<&str, ChrootError> {
    match path {
        "" | "/" => return Ok(""),
        _ if path.ends_with('/') => return Err(ChrootError::TrailingSlash),
        _ => {}
    }
    let mut from = 1;
    for name in path.split('/').skip(1) {
        if let Some((fault, at)) = fault(name) {
            return Err(ChrootError::Name { path: path.to_owned(), fault, at: from + at });
        }
        from += name.encode_utf16().count() + 1;
    }
    Ok(path)
}

/// What is wrong with a name, and where in it.
fn fault(name: &str) -> Option<(NameFault, usize)> {
    match name {
        "" => Some((NameFault::Empty, 0)),
        "." | ".." => Some((NameFault::Relative, name.len() - 1)),
        _ => name.encode_utf16().enumerate().find_map(|(at, unit)| match unit {
            0 => Some((NameFault::NullCharacter, at)),
            0x01..=0x1f | 0x7f..=0x9f | 0xd800..=0xf8ff | 0xfff0..=0xffff => {
                Some((NameFault::InvalidCharacter, at))
            }
            _ => None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chroots_are_judged_as_java_judges_them() {
        assert_eq!(check(""), Ok(""));
        assert_eq!(check("/"), Ok(""));
        assert_eq!(check("/kafka/a.b"), Ok("/kafka/a.b"));
        for (path, reason) in [
            ("/k2/", "Path must not end with / character"),
            ("/k2//x", "Invalid path string \"/k2//x\" caused by empty node name specified @4"),
            ("/k/../x", "Invalid path string \"/k/../x\" caused by relative paths not allowed @4"),
            ("/a\u{1}", "Invalid path string \"/a\u{1}\" caused by invalid character @2"),
        ] {
            assert_eq!(check(path).unwrap_err().to_string(), reason);
        }
    }
}
