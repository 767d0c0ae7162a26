//! Files that are opened when used, under the name they have then.

use std::io::Write;
use std::os::unix::fs::FileExt;

use super::*;

/// The files of the segment with this base offset in a directory.
pub(crate) fn files_in(dir: &std::path::Path, base_offset: Offset) -> Arc<SegmentFiles> {
    SegmentFiles::new(LogDir::new(dir.to_owned()), base_offset, "")
}

fn files(dir: &std::path::Path) -> (Arc<LogDir>, Arc<SegmentFiles>) {
    let dir = LogDir::new(dir.to_owned());
    let files = SegmentFiles::new(dir.clone(), 7, "");
    for kind in Kind::ALL {
        files.create(kind, 0).unwrap();
    }
    (dir, files)
}

#[test]
fn a_file_is_opened_under_its_name_of_now() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("t-0")).unwrap();
    let (dir, files) = files(&root.path().join("t-0"));
    (&*files.open_briefly(Kind::Log).unwrap()).write_all(b"records").unwrap();
    dir.rename(root.path().join("t-0.id-delete")).unwrap();
    files.change_suffix(DELETED).unwrap();
    assert!(files.path(Kind::Log).ends_with("t-0.id-delete/00000000000000000007.log.deleted"));
    let mut read = [0; 7];
    files.open(Kind::Log).unwrap().read_exact_at(&mut read, 0).unwrap();
    assert_eq!(&read, b"records");
    for kind in Kind::ALL {
        assert!(files.path(kind).exists());
    }
}

#[test]
fn a_deleted_file_is_an_end_and_not_a_fault() {
    let root = tempfile::tempdir().unwrap();
    let (_, files) = files(root.path());
    files.change_suffix(DELETED).unwrap();
    fs::remove_file(files.path(Kind::Log)).unwrap();
    assert_eq!(files.open(Kind::Log).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    assert!(files.metadata(Kind::Log).unwrap().is_none());
}

#[test]
fn what_is_used_is_opened_once() {
    let root = tempfile::tempdir().unwrap();
    let (_, files) = files(root.path());
    let twice = || [files.open(Kind::OffsetIndex).unwrap(), files.open(Kind::OffsetIndex).unwrap()];
    // Files of other tests may push it out in between, but not every time.
    assert!((0..10).map(|_| twice()).any(|[one, other]| Arc::ptr_eq(&one, &other)));
}
