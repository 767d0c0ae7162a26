//! Offsets of partitions, and records deleted below them.

use barnabas::client::admin::{ListOffsetsOptions, NewTopic, OffsetSpec};
use barnabas::client::settings::AdminSettings;
use barnabas::client::{Admin, ClientError};
use barnabas::wire::error_code::ErrorCode;

use super::{BRIEF, SOON, Stage, code, partition};

/// A time long after this test.
const LATER: i64 = 4_000_000_000_000;

impl Stage {
    pub async fn offsets(&self) {
        self.create(NewTopic::new("offsets", 2, 1), "offsets").await;
        for at in 0..5 {
            self.produce("offsets", &format!("record {at}")).await;
        }
        let (full, empty) = (partition("offsets", 0), partition("offsets", 1));
        for options in [ListOffsetsOptions::default(), ListOffsetsOptions::default().read_committed()] {
            let specs = [(full.clone(), OffsetSpec::Latest), (empty.clone(), OffsetSpec::Latest)];
            let ends = self.admin.list_offsets(specs, options).await.all().unwrap();
            assert_eq!((ends[&full].offset, ends[&empty].offset), (Some(5), Some(0)));
        }
        let found = async |spec| {
            let specs = [(full.clone(), spec)];
            self.admin.list_offsets(specs, ListOffsetsOptions::default()).await.only().unwrap()
        };
        assert_eq!(found(OffsetSpec::Earliest).await.offset, Some(0));
        let first = found(OffsetSpec::Timestamp(0)).await;
        assert_eq!((first.offset, first.leader_epoch), (Some(0), Some(0)));
        assert!(first.timestamp.is_some_and(|it| it > 0));
        assert_eq!(found(OffsetSpec::Timestamp(LATER)).await.offset, None, "no record is that young");
        let missing = [(partition("offsets", 7), OffsetSpec::Latest), (full.clone(), OffsetSpec::Latest)];
        let results = self.admin.within(BRIEF).list_offsets(missing, ListOffsetsOptions::default()).await;
        assert_eq!(code(&results[&partition("offsets", 7)]), ErrorCode::UnknownTopicOrPartition);
        assert_eq!(
            results[&full].as_ref().unwrap().offset,
            Some(5),
            "the other partition does not wait for it"
        );

        let deletions = [(full.clone(), Some(2)), (empty.clone(), Some(1)), (partition("missing", 0), None)];
        let results = self.admin.delete_records(deletions).await;
        assert_eq!(*results[&full].as_ref().unwrap(), 2);
        assert_eq!(code(&results[&empty]), ErrorCode::OffsetOutOfRange);
        assert_eq!(code(&results[&partition("missing", 0)]), ErrorCode::UnknownTopicOrPartition);
        assert_eq!(found(OffsetSpec::Earliest).await.offset, Some(2));
        assert_eq!(self.admin.delete_records([(full.clone(), None)]).await.only().unwrap(), 5);
        let nowhere = AdminSettings::new("127.0.0.1:1").retries(3).call_limit(SOON);
        let nowhere = Admin::new(nowhere).await.unwrap();
        let error = nowhere.delete_records([(full, None)]).await.only().unwrap_err();
        assert!(matches!(error, ClientError::Connection(_)), "{error:?}");
    }
}
