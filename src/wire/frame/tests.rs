use super::*;
use crate::wire::message::api_versions::{ApiVersionsRequest, ApiVersionsResponse};

fn whole(pieces: Vec<Records>) -> Bytes {
    pieces.iter().flat_map(|piece| piece.read().unwrap()).collect()
}

#[test]
fn lengths_are_bounded() {
    assert_eq!(length([0, 0, 1, 0], 256), Ok(256));
    let error = length([0, 0, 1, 1], 256).unwrap_err();
    assert_eq!(error.to_string(), "Invalid receive (size = 257 larger than 256)");
    let error = length([0xff; 4], 256).unwrap_err();
    assert_eq!(error.to_string(), "Invalid receive (size = -1)");
}

#[test]
fn a_request_and_its_answer() {
    let asked = ApiVersionsRequest { client_software_name: "us".to_owned(), ..Default::default() };
    let mut frame = whole(request(3, 9, Some("me"), &asked).unwrap());
    let prefix = frame.split_to(PREFIX);
    assert_eq!(length(prefix[..].try_into().unwrap(), 1000), Ok(frame.len()));
    let mut input = Reader::new(frame);
    let header = RequestHeader::decode(&mut input).unwrap();
    assert_eq!(ApiVersionsRequest::decode(&mut input, header.api_version), Ok(asked));

    let answer = ApiVersionsResponse { error_code: 35, ..Default::default() };
    let mut frame = whole(response(&header, &answer).unwrap());
    let _ = frame.split_to(PREFIX);
    assert_eq!(read_response::<ApiVersionsRequest>(frame, 3), Ok((9, answer)));
}
