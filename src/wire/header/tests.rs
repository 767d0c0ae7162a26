use bytes::Bytes;

use super::*;

fn written(header: &RequestHeader) -> Bytes {
    let mut out = Writer::new();
    header.encode(&mut out).unwrap();
    out.into_bytes().unwrap()
}

fn header(api_key: ApiKey, api_version: i16) -> RequestHeader {
    RequestHeader { api_key, api_version, correlation_id: 7, client_id: Some("me".to_owned()) }
}

#[test]
fn three_layouts_of_the_request_header() {
    let plain = header(ApiKey::Metadata, 8);
    assert_eq!(written(&plain)[..], *b"\0\x03\0\x08\0\0\0\x07\0\x02me");
    let flexible = header(ApiKey::Metadata, 9);
    assert_eq!(written(&flexible)[..], *b"\0\x03\0\x09\0\0\0\x07\0\x02me\0");
    let bare = header(ApiKey::ControlledShutdown, 0);
    assert_eq!(written(&bare)[..], *b"\0\x07\0\0\0\0\0\x07");
    for wanted in [plain, flexible] {
        assert_eq!(RequestHeader::decode(&mut Reader::new(written(&wanted))), Ok(wanted));
    }
    let read = RequestHeader::decode(&mut Reader::new(written(&bare))).unwrap();
    assert_eq!(read.client_id, None);
}

#[test]
fn a_version_too_new_is_read_as_flexible_and_an_unknown_key_refused() {
    let read = RequestHeader::decode(&mut Reader::new(written(&header(ApiKey::ApiVersions, 99)))).unwrap();
    assert_eq!(read.api_version, 99);
    let raft = Bytes::from_static(&[0, 52, 0, 0, 0, 0, 0, 1, 0xff, 0xff]);
    let error = RequestHeader::decode(&mut Reader::new(raft)).unwrap_err();
    assert_eq!(error.problem, Problem::UnknownApi(52));
}

#[test]
fn answers_of_api_versions_never_have_tagged_fields() {
    assert_eq!(ResponseHeader::version(ApiKey::ApiVersions, 3), 0);
    assert_eq!(ResponseHeader::version(ApiKey::ControlledShutdown, 3), 1);
    assert_eq!(ResponseHeader::version(ApiKey::Metadata, 8), 0);
    let mut out = Writer::new();
    ResponseHeader { correlation_id: 5 }.encode(&mut out, ApiKey::Metadata, 9);
    let mut input = Reader::new(out.into_bytes().unwrap());
    let read = ResponseHeader::decode(&mut input, ApiKey::Metadata, 9).unwrap();
    assert_eq!((read.correlation_id, input.remaining()), (5, 0));
}
