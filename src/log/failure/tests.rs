//! A directory fails once.

use super::*;

#[tokio::test]
async fn a_failed_directory_is_reported_once() {
    let failures = DirFailures::default();
    let mut told = failures.listen().unwrap();
    assert!(failures.listen().is_none());
    let error = io::Error::other("no disk");
    let (a, b) = (Path::new("/a"), Path::new("/b"));
    failures.report(a, "Error while writing", &error);
    failures.report(a, "Error while reading", &error);
    failures.report(b, "Error while reading", &error);
    assert_eq!(told.recv().await.as_deref(), Some(a));
    assert_eq!(told.recv().await.as_deref(), Some(b));
    assert!(told.try_recv().is_err());
    let want = io::Error::from_raw_os_error(Errno::MFILE.raw_os_error());
    let failed = failures.report(Path::new("/c"), "Error while reading", &want);
    assert!(failed.is_transient, "the directory works: {failed:?}");
    assert!(told.try_recv().is_err());
    assert!(failures.is_offline(a) && !failures.is_offline(Path::new("/c")));
}
