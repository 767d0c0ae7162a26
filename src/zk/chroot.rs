//! Which paths may be a chroot, in the words of ZooKeeper's own client (`PathUtils.validatePath`).
//!
//! Pure. A trailing slash is refused, as Java refuses it: taken off in silence it would be another cluster to
//! some clients.

/// The chroot behind the hosts of a connect string: a path, or nothing for the root.
///
/// # Errors
/// Java's reason against a path.
pub(super) fn check(path: &str) -> Result<&str, String> {
    match path {
        "" | "/" => Ok(""),
        _ if path.ends_with('/') => Err("Path must not end with / character".to_owned()),
        _ => match fault(path) {
            None => Ok(path),
            Some(reason) => Err(format!("Invalid path string \"{path}\" caused by {reason}")),
        },
    }
}

fn fault(path: &str) -> Option<String> {
    let mut from = 1;
    for name in path.split('/').skip(1) {
        let end = from + name.encode_utf16().count();
        if name.is_empty() {
            return Some(format!("empty node name specified @{from}"));
        }
        if name == "." || name == ".." {
            return Some(format!("relative paths not allowed @{}", end - 1));
        }
        for (at, unit) in (from..).zip(name.encode_utf16()) {
            match unit {
                0 => return Some(format!("null character not allowed @{at}")),
                0x01..=0x1f | 0x7f..=0x9f | 0xd800..=0xf8ff | 0xfff0..=0xffff => {
                    return Some(format!("invalid character @{at}"));
                }
                _ => {}
            }
        }
        from = end + 1;
    }
    None
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
            assert_eq!(check(path), Err(reason.to_owned()));
        }
    }
}
