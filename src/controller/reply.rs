//! What the sender of a request waits for: a typed reply, and its possible errors. Pure.
//!
//! A step replies through its context, which makes the delivery one of the effects. It is delivered after the
//! effects before it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::base::TopicPartition;
use crate::wire::error_code::ErrorCode;

/// The destination of a request's reply. A reply that is dropped unused is answered NOT_CONTROLLER.
pub struct ControllerReply<T>(Arc<dyn Fn(T) + Send + Sync>);

impl<T> ControllerReply<T> {
    /// A reply that is passed to `receive`, once.
    pub fn new(receive: impl Fn(T) + Send + Sync + 'static) -> Self {
        Self(Arc::new(receive))
    }
}

impl<T> Clone for ControllerReply<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for ControllerReply<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ControllerReply")
    }
}

/// A reply with its value, to be delivered in the order of the effects.
pub struct ReplyDelivery(Box<dyn FnOnce() + Send + Sync>);

impl ReplyDelivery {
    /// The delivery of `value` to `reply`.
    pub(super) fn of<T: Send + Sync + 'static>(reply: ControllerReply<T>, value: T) -> Self {
        Self(Box::new(move || reply.0(value)))
    }

    /// Passes the value to its receiver.
    pub fn deliver(self) {
        (self.0)();
    }
}

impl fmt::Debug for ReplyDelivery {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ReplyDelivery")
    }
}

/// An error code with a text of its own (Kafka's `ApiError`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The code.
    pub code: ErrorCode,
    /// The text; None stands for the code's own.
    pub message: Option<String>,
}

impl ApiError {
    /// An error with the code's own text.
    pub fn of(code: ErrorCode) -> Self {
        Self { code, message: None }
    }

    /// An error with a text.
    pub fn because(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: Some(message.into()) }
    }

    /// Its own text, or the code's.
    pub fn text(self) -> Option<String> {
        let Self { code, message } = self;
        message.or_else(|| Some(code.message().to_owned()))
    }
}

/// The outcome of a request, per partition.
pub type PerPartition<T> = BTreeMap<TopicPartition, Result<T, ApiError>>;
