//! What a caller may do to a resource, as answers have it in bits.
//!
//! Pure. Kafka: `KafkaAdminClient.validAclOperations` (KIP-430).

use std::collections::BTreeSet;

use crate::security::AclOperation;

/// The bits of an answer without authorized operations (`AUTHORIZED_OPERATIONS_OMITTED`).
const OMITTED: i32 = i32::MIN;

/// The operations behind the bits; None where the broker was not asked for them or does not know. Bits that name no
/// single operation are left out.
pub(super) fn authorized_operations(bits: i32) -> Option<BTreeSet<AclOperation>> {
    let named = |operation: &AclOperation| {
        !matches!(operation, AclOperation::Unknown | AclOperation::Any | AclOperation::All)
    };
    let set = (0..32i8).filter(|bit| bits & (1 << bit) != 0).map(AclOperation::from_code);
    (bits != OMITTED).then(|| set.filter(named).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_operations() {
        assert_eq!(authorized_operations(OMITTED), None);
        assert_eq!(authorized_operations(0), Some(BTreeSet::new()));
        let found = authorized_operations(1 << 3 | 1 << 8 | 0b111 | 1 << 30);
        assert_eq!(found, Some([AclOperation::Read, AclOperation::Describe].into()));
        assert_eq!(authorized_operations(-1).map(|set| set.len()), Some(10));
    }
}
