//! Offsets in an open transaction, and the markers that end it.

use barnabas::wire::message::offset_fetch::OffsetFetchRequest;
use barnabas::wire::message::txn_offset_commit::TxnOffsetCommitRequest;
use barnabas::wire::message::write_txn_markers::{
    WritableTxnMarker, WritableTxnMarkerTopic, WriteTxnMarkersRequest,
};

use super::{commit_in_transaction, delete, delete_offset, fetch};
use crate::support::scene::Scene;

/// A marker that commits a producer's transaction, from coordinator epoch 3.
fn marker(producer_id: i64, producer_epoch: i16, topics: &[(&str, &[i32])]) -> WritableTxnMarker {
    let topics = topics.iter().map(|(name, partitions)| WritableTxnMarkerTopic {
        name: (*name).to_owned(),
        partition_indexes: partitions.to_vec(),
    });
    WritableTxnMarker {
        producer_id,
        producer_epoch,
        transaction_result: true,
        topics: topics.collect(),
        coordinator_epoch: 3,
    }
}

impl Scene {
    /// Offsets in an open transaction, and the markers that end it.
    pub fn ask_of_markers(&mut self) {
        let commit = commit_in_transaction("only-txn", "", -1, "t");
        self.ask_each("new group", &commit);
        self.ask_each("no topics", &TxnOffsetCommitRequest { topics: Vec::new(), ..commit.clone() });
        let twice = [commit.topics.clone(), commit.topics.clone()].concat();
        self.ask_each("twice", &TxnOffsetCommitRequest { topics: twice, ..commit.clone() });
        let mut long = commit_in_transaction("long-note", "", -1, "t");
        long.topics[0].partitions[0].committed_metadata = Some("more than ten".to_owned());
        self.ask_each("long note", &long);
        self.ask_describe("in a transaction", &["only-txn"]);
        self.ask_each("in a transaction", &delete_offset("only-txn", "t", 0));
        self.ask_each("in a transaction", &delete(&["long-note"]));
        let stable =
            OffsetFetchRequest { require_stable: true, ..fetch("only-txn", Some(&[("t", &[0, 9])])) };
        self.ask("in a transaction", 7, &stable);

        self.ask_each("none", &WriteTxnMarkersRequest::default());
        let marker = |topics: &[(&str, &[i32])], epoch| WriteTxnMarkersRequest {
            markers: vec![marker(77, epoch, topics)],
        };
        self.ask_each("no topics", &marker(&[], 1));
        self.ask_each("no partitions", &marker(&[("t", &[])], 1));
        self.ask_each("unknown topic", &marker(&[("no-such", &[0])], 1));
        self.ask_each("unknown partition", &marker(&[("t", &[9])], 1));
        self.ask_each("negative partition", &marker(&[("t", &[-1])], 1));
        self.ask_each("partition without a transaction", &marker(&[("t", &[0])], 1));
        self.ask_each("partition, twice", &marker(&[("t", &[0, 0])], 1));
        self.ask_each("topic, twice", &marker(&[("t", &[0]), ("t", &[0])], 1));
        self.ask_each("offsets", &marker(&[("__consumer_offsets", &[0])], 1));
        self.ask("once committed", 7, &stable);
        self.ask_each("offsets, again", &marker(&[("__consumer_offsets", &[0])], 1));
        self.ask_each("higher producer epoch", &marker(&[("t", &[0])], 5));
        self.ask_each("lower producer epoch", &marker(&[("t", &[0])], 4));
        self.ask_each("negative producer epoch", &marker(&[("t", &[0])], -1));
        let mut coordinator = marker(&[("t", &[0])], 5);
        coordinator.markers[0].coordinator_epoch = 2;
        self.ask_each("lower coordinator epoch", &coordinator);
        coordinator.markers[0].coordinator_epoch = 4;
        self.ask_each("higher coordinator epoch", &coordinator);
        coordinator.markers[0].producer_id = -1;
        self.ask_each("no producer", &coordinator);
    }
}
