use std::sync::Arc;

use parking_lot::Mutex;

use super::*;
use crate::base::features::SupportedVersionRange;
use crate::controller::event::Event;
use crate::controller::facts::FeatureFacts;
use crate::controller::machine::ControllerMachine;
use crate::controller::state::ClusterState;
use crate::controller::step::{ControllerSettings, Effect};

const SUPPORTED: (i16, i16) = (2, 6);

fn levels(min: i16, max: i16) -> FinalizedVersionRange {
    FinalizedVersionRange::new(min, max).unwrap()
}

fn supported((min, max): (i16, i16)) -> SupportedFeatures {
    SupportedFeatures::from([("f".to_owned(), SupportedVersionRange::new(min, max).unwrap())])
}

fn update(feature: &str, max_version_level: i16, allow_downgrade: bool) -> FeatureChange {
    FeatureChange { feature: feature.to_owned(), max_version_level, allow_downgrade }
}

/// A controller that supports `f`, in a cluster with another broker that supports it in these versions.
struct Cluster {
    others: (i16, i16),
    finalized: FinalizedFeatures,
    /// The outcome of the write.
    written: Outcome,
}

impl Cluster {
    fn of(finalized: Option<(i16, i16)>) -> Self {
        let finalized = finalized.map(|(min, max)| ("f".to_owned(), levels(min, max)));
        Self { others: SUPPORTED, finalized: finalized.into_iter().collect(), written: Outcome::Ok(7) }
    }

    /// The outcome of a request, and what is written.
    fn ask(&self, updates: Vec<FeatureChange>) -> (UpdatedFeatures, Vec<Write>) {
        let mut state = ClusterState::elected(1, 1);
        state.put_broker(Broker {
            id: 2,
            endpoints: Vec::new(),
            rack: None,
            epoch: 1,
            features: supported(self.others),
        });
        let settings = ControllerSettings {
            broker: 1,
            delete_topics: true,
            alter_isr: true,
            features: true,
            imbalance_percentage: 10,
        };
        let mut machine = ControllerMachine::new(settings, state);
        let replied = Arc::new(Mutex::new(None));
        let reply = ControllerReply::new({
            let replied = replied.clone();
            move |value| *replied.lock() = Some(value)
        });
        machine.begin(Event::request(UpdateFeatures::new(supported(SUPPORTED), updates, reply)));
        assert_eq!(machine.ask(), Some(vec![Question::Feature]));
        let feature = FeatureFacts { enabled: true, features: self.finalized.clone(), version: 1 };
        let writes = machine.decide(Facts { feature: Some(feature), ..Default::default() });
        for effect in machine.apply(&vec![self.written; writes.len()]) {
            if let Effect::Reply(delivery) = effect {
                delivery.deliver();
            }
        }
        let updated = replied.lock().take().unwrap();
        (updated, writes)
    }

    /// The text of the refusal of one update; nothing is written then.
    fn refusal(&self, update: FeatureChange) -> String {
        let feature = update.feature.clone();
        let (mut updated, writes) = self.ask(vec![update]);
        assert_eq!((writes, updated.written), (Vec::new(), None));
        let error = updated.outcomes.remove(&feature).unwrap().unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidRequest);
        error.message.unwrap()
    }
}

#[test]
fn a_feature_is_finalized_from_its_lowest_version_on_raised_lowered_and_deleted() {
    for (before, update, after) in [
        (None, update("f", 3, false), Some((2, 3))),
        (Some((2, 3)), update("f", 6, false), Some((2, 6))),
        (Some((2, 6)), update("f", 2, true), Some((2, 2))),
        (Some((2, 6)), update("f", 0, true), None),
    ] {
        let (updated, writes) = Cluster::of(before).ask(vec![update]);
        assert_eq!(updated.outcomes["f"], Ok(()));
        assert_eq!(updated.written, Some(7));
        let features = after.map(|(min, max)| ("f".to_owned(), levels(min, max)));
        let features = features.into_iter().collect();
        assert_eq!(writes, [Write::SetFeature { enabled: true, features }]);
    }
}

#[test]
fn what_is_no_update_is_refused_with_kafkas_words() {
    let (none, some) = (Cluster::of(None), Cluster::of(Some((3, 5))));
    for (text, refused) in [
        ("Feature name can not be empty.", none.refusal(update("", 0, false))),
        ("Can not delete non-existing finalized feature.", none.refusal(update("f", 0, true))),
        (
            "Can not provide maxVersionLevel: 0 less than 1 without setting the allowDowngrade flag to true in the request.",
            some.refusal(update("f", 0, false)),
        ),
        (
            "Can not upgrade a finalized feature from existing maxVersionLevel:5 to the same value.",
            some.refusal(update("f", 5, false)),
        ),
        (
            "Can not downgrade a finalized feature from existing maxVersionLevel:5 to the same value.",
            some.refusal(update("f", 5, true)),
        ),
        (
            "Can not downgrade finalized feature from existing maxVersionLevel:5 to provided maxVersionLevel:4 without setting \
             the allowDowngrade flag in the request.",
            some.refusal(update("f", 4, false)),
        ),
        (
            "When the allowDowngrade flag set in the request, the provided maxVersionLevel:6 can not be greater than existing \
             maxVersionLevel:5.",
            some.refusal(update("f", 6, true)),
        ),
        (
            "Can not downgrade finalized feature to maxVersionLevel:2 because it's lower than the existing minVersionLevel:3.",
            some.refusal(update("f", 2, true)),
        ),
        (
            "Could not apply finalized feature update because the provided feature is not supported.",
            none.refusal(update("g", 1, false)),
        ),
        (
            "Could not apply finalized feature update because the provided maxVersionLevel:1 is lower than the supported \
             minVersion:2.",
            none.refusal(update("f", 1, false)),
        ),
        (
            "Could not apply finalized feature update because brokers were found to have incompatible versions for the feature.",
            none.refusal(update("f", 7, false)),
        ),
    ] {
        assert_eq!(refused, text);
    }
    let older = Cluster { others: (1, 2), ..Cluster::of(None) };
    assert!(older.refusal(update("f", 3, false)).contains("incompatible versions"));
}

#[test]
fn a_refused_update_does_not_hold_up_the_others() {
    let (updated, writes) = Cluster::of(None).ask(vec![update("g", 1, false), update("f", 4, false)]);
    assert!(updated.outcomes["g"].is_err() && updated.outcomes["f"].is_ok());
    let features = FinalizedFeatures::from([("f".to_owned(), levels(2, 4))]);
    assert_eq!(writes, [Write::SetFeature { enabled: true, features }]);
}

#[test]
fn a_write_that_fails_fails_the_updates_that_were_to_be_written() {
    let cluster = Cluster { written: Outcome::NoNode, ..Cluster::of(None) };
    let (updated, _) = cluster.ask(vec![update("g", 1, false), update("f", 4, false)]);
    let code = |feature: &str| updated.outcomes[feature].clone().unwrap_err().code;
    assert_eq!(
        (code("g"), code("f"), updated.written),
        (ErrorCode::InvalidRequest, ErrorCode::FeatureUpdateFailed, None)
    );
}
