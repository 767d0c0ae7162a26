//! AlterClientQuotas

use crate::wire::message::table::message;

message! {
    AlterClientQuotas, versions 0-0;

    request AlterClientQuotasRequest -> AlterClientQuotasResponse {
        entries: Vec<EntryData> [0+],
        validate_only: bool [0+],
    }

    struct EntryData {
        entity: Vec<EntityData> [0+],
        ops: Vec<OpData> [0+],
    }

    struct EntityData {
        entity_type: String [0+],
        entity_name: Option<String> [0+, nullable 0+],
    }

    struct OpData {
        key: String [0+],
        value: f64 [0+],
        remove: bool [0+],
    }

    response AlterClientQuotasResponse {
        throttle_time_ms: i32 [0+],
        entries: Vec<EntryDataResponse> [0+],
    }

    struct EntryDataResponse {
        error_code: i16 [0+],
        error_message: Option<String> [0+, nullable 0+],
        entity: Vec<EntityData> [0+],
    }
}
