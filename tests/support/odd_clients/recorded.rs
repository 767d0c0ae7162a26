//! Requests and answers as a recording has them: the fields that matter, in one line; and answers that are made up.

mod members;
mod producers;
mod reads;

use std::collections::BTreeMap;
use std::fmt::Write;

use barnabas::wire::error_code::ErrorCode;
use barnabas::wire::message::Request;

/// An answer that a scenario makes up: the error, and other fields.
#[derive(Clone, Debug)]
pub struct MadeUp {
    /// The error of every item.
    pub error: ErrorCode,
    /// Other fields, by their short names.
    pub fields: BTreeMap<String, i64>,
}

impl MadeUp {
    /// A field, or this value.
    fn field<T: TryFrom<i64>>(&self, name: &str, otherwise: T) -> T {
        self.fields.get(name).and_then(|value| T::try_from(*value).ok()).unwrap_or(otherwise)
    }
}

/// A request that is recorded.
pub trait Recorded: Request {
    /// What is asked for.
    fn asked(&self) -> String;

    /// What is answered.
    fn answered(answer: &Self::Response) -> String;

    /// An answer made up.
    fn make_up(&self, made_up: &MadeUp) -> Self::Response;
}

/// Errors as one word where they are all the same.
fn errors(codes: impl Iterator<Item = i16>) -> String {
    let mut names: Vec<_> = codes.map(|code| ErrorCode::from_code(code).name()).collect();
    names.sort_unstable();
    names.dedup();
    names.join(",")
}

/// A producer as it names itself.
fn identity(producer_id: i64, epoch: i16) -> String {
    format!("pid={producer_id} epoch={epoch}")
}

/// A member as it names itself.
fn member(generation: i32, member_id: &str, instance_id: Option<&str>) -> String {
    let mut text = format!("generation={generation} member={member_id:?}");
    if let Some(instance) = instance_id {
        let _ = write!(text, " instance={instance}");
    }
    text
}
