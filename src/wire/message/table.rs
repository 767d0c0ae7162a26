//! The `message!` table: from one declaration of an API's structs come the types, their defaults, and both
//! directions of the wire.
//!
//! ```text
//! message! {
//!     Produce, versions 0-8;                         the API's key; add `, flexible 6+` where there are such
//!
//!     request ProduceRequest -> ProduceResponse {    or response, or struct for what is nested in them
//!         transactional_id: Option<String> [3+, nullable 3+] = None,
//!         acks: i16 [0+],                            versions that have it; in others it reads as its default
//!         topics: Vec<TopicProduceData> [0+],
//!     }
//! ```
//! Further words in the brackets: `ignorable` (dropped silently where the version lacks it; without it a value
//! other than the default is an error), `tag N` (a tagged field of flexible versions, listed in order of tags).
//! Structs cannot contain themselves, so nesting is bounded by the tables. Kafka: the message JSON schemas.

use crate::wire::codec::field::{At, Field};
use crate::wire::codec::{Reader, WireError, Writer};

/// The versions that have a field, and the rest of its row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    from: i16,
    to: i16,
    nullable_from: i16,
    /// Whether its value may be dropped where the version has no place for it.
    pub ignorable: bool,
    /// Its tag, if it is a tagged field.
    pub tag: Option<u32>,
}

impl Rule {
    pub(crate) const fn versions(from: i16, to: i16) -> Self {
        Self { from, to, nullable_from: i16::MAX, ignorable: false, tag: None }
    }

    pub(crate) const fn nullable(self, nullable_from: i16) -> Self {
        Self { nullable_from, ..self }
    }

    pub(crate) const fn ignorable(self) -> Self {
        Self { ignorable: true, ..self }
    }

    pub(crate) const fn tag(self, tag: u32) -> Self {
        Self { tag: Some(tag), ..self }
    }

    /// Whether this version has the field.
    pub(crate) const fn present(&self, version: i16) -> bool {
        self.from <= version && version <= self.to
    }

    /// Whether this version has it among the plain fields, not the tagged ones.
    pub(crate) const fn plain(&self, version: i16) -> bool {
        self.present(version) && self.tag.is_none()
    }

    /// Where the field's value stands.
    pub(crate) const fn at(&self, outer: At) -> At {
        At { nullable: outer.version >= self.nullable_from, ..outer }
    }
}

/// Reads a plain field, if this version has it.
pub(crate) fn read<T: Field>(rule: Rule, value: &mut T, input: &mut Reader, at: At) -> Result<(), WireError> {
    if rule.plain(at.version) {
        *value = T::read(input, rule.at(at))?;
    }
    Ok(())
}

/// Writes a plain field, or sees that leaving it out loses nothing.
pub(crate) fn write<T: Field>(
    rule: Rule,
    value: &T,
    default: &T,
    out: &mut Writer,
    at: At,
) -> Result<(), WireError> {
    if rule.plain(at.version) {
        return value.write(out, rule.at(at));
    }
    if rule.present(at.version) || rule.ignorable || value == default {
        return Ok(());
    }
    Err(crate::wire::codec::Problem::NotInVersion(at.version).into())
}

/// Collects a tagged field, unless it is its default.
pub(crate) fn write_tagged<T: Field>(
    rule: Rule,
    value: &T,
    default: &T,
    tagged: &mut Vec<(u32, Writer)>,
    at: At,
) -> Result<(), WireError> {
    let Some(tag) = rule.tag else { return Ok(()) };
    if rule.present(at.version) && value != default {
        let mut own = Writer::new();
        value.write(&mut own, rule.at(at))?;
        tagged.push((tag, own));
    }
    Ok(())
}

/// Writes the section of tagged fields that ends a flexible struct.
pub(crate) fn end_flexible(tagged: Vec<(u32, Writer)>, out: &mut Writer) {
    out.unsigned_varint(tagged.len() as u32);
    for (tag, field) in tagged {
        out.unsigned_varint(tag);
        out.unsigned_varint(field.len() as u32);
        out.append(field);
    }
}

/// The words in a row's brackets, as a [`Rule`].
macro_rules! rule {
    ($from:literal + $($more:tt)*) => {
        $crate::wire::message::table::rule!(@ $crate::wire::message::table::Rule::versions($from, i16::MAX), $($more)*)
    };
    ($from:literal - $to:literal $($more:tt)*) => {
        $crate::wire::message::table::rule!(@ $crate::wire::message::table::Rule::versions($from, $to), $($more)*)
    };
    (@ $rule:expr,) => {
        $rule
    };
    (@ $rule:expr, , nullable $from:literal + $($more:tt)*) => {
        $crate::wire::message::table::rule!(@ $rule.nullable($from), $($more)*)
    };
    (@ $rule:expr, , ignorable $($more:tt)*) => {
        $crate::wire::message::table::rule!(@ $rule.ignorable(), $($more)*)
    };
    (@ $rule:expr, , tag $tag:literal $($more:tt)*) => {
        $crate::wire::message::table::rule!(@ $rule.tag($tag), $($more)*)
    };
}
pub(crate) use rule;

/// The default that a row names, or else its type's own.
macro_rules! initial {
    ($type:ty) => {
        <$type as $crate::wire::codec::field::Field>::initial()
    };
    ($type:ty, $default:expr) => {
        $default
    };
}
pub(crate) use initial;

/// One API's structs; see the head of this file.
macro_rules! message {
    (
        $key:ident, versions $low:literal - $high:literal $(, flexible $flexible:literal +)?;
        $(
            $(#[$about:meta])*
            $kind:ident $name:ident $(-> $response:ident)? { $($fields:tt)* }
        )*
    ) => {
        /// The versions of 2.7.2.
        const VERSIONS: std::ops::RangeInclusive<i16> = $low..=$high;
        /// The first flexible version.
        #[allow(unused_assignments, unused_mut)]
        const FLEXIBLE_FROM: i16 = { let mut from = i16::MAX; $(from = $flexible;)? from };
        $(
            $crate::wire::message::table::fields! { $(#[$about])* $name { $($fields)* } }
            $crate::wire::message::table::outermost! { $kind $name, $key $(, $response)? }
            $crate::wire::message::table::throttle! { $kind $name { $($fields)* } }
        )*
    };
}
pub(crate) use message;

/// What finds the throttle time and the errors in a response; nothing for other structs.
macro_rules! throttle {
    (
        response $name:ident {
            $( $(#[$doc:meta])* $field:ident: $type:ty [ $($rule:tt)* ] $(= $default:expr)? ),* $(,)?
        }
    ) => {
        impl $crate::wire::message::ResponseMessage for $name {
            #[allow(unreachable_code)]
            fn throttle_time_ms(&mut self) -> Option<&mut i32> {
                $( $crate::wire::message::table::throttle_field!(self, $field); )*
                None
            }

            fn error_codes(&self, found: &mut dyn FnMut(usize, i16)) {
                $crate::wire::codec::field::Field::error_codes(self, 0, found);
            }
        }
    };
    ($kind:ident $name:ident { $($fields:tt)* }) => {};
}
pub(crate) use throttle;

/// Returns the field where it is the throttle time.
macro_rules! throttle_field {
    ($response:ident, throttle_time_ms) => {
        return Some(&mut $response.throttle_time_ms)
    };
    ($response:ident, $field:ident) => {};
}
pub(crate) use throttle_field;

/// Passes on the field where it is an error code, else those within it.
macro_rules! error_field {
    ($value:ident, error_code, $depth:ident, $found:ident) => {
        $found($depth, $value.error_code)
    };
    ($value:ident, $field:ident, $depth:ident, $found:ident) => {
        $crate::wire::codec::field::Field::error_codes(&$value.$field, $depth + 1, $found)
    };
}
pub(crate) use error_field;

/// A struct of a table: the type, its default, its place on the wire.
macro_rules! fields {
    (
        $(#[$about:meta])*
        $name:ident {
            $( $(#[$doc:meta])* $field:ident: $type:ty [ $($rule:tt)* ] $(= $default:expr)? ),* $(,)?
        }
    ) => {
        $(#[$about])*
        #[doc = concat!("`", stringify!($name), "` of Kafka's protocol.")]
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $(
                $(#[$doc])*
                #[doc = concat!("`", stringify!($field), "`: versions ", stringify!($($rule)*), ".")]
                pub $field: $type,
            )*
        }

        #[cfg(test)]
        impl $crate::wire::message::any::Any for $name {
            fn any(seed: &mut fastrand::Rng, at: $crate::wire::codec::field::At) -> Self {
                let mut value = Self::default();
                $( $crate::wire::message::any::fill(
                    $crate::wire::message::table::rule!($($rule)*),
                    &mut value.$field,
                    seed,
                    at,
                ); )*
                value
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $crate::wire::message::table::initial!($type $(, $default)?), )* }
            }
        }

        impl $crate::wire::codec::field::Field for $name {
            fn initial() -> Self {
                Self::default()
            }

            fn min_size(at: $crate::wire::codec::field::At) -> usize {
                let mut size = usize::from(at.flexible);
                $(
                    if $crate::wire::message::table::rule!($($rule)*).plain(at.version) {
                        size += <$type as $crate::wire::codec::field::Field>::min_size(at);
                    }
                )*
                size
            }

            fn read(
                input: &mut $crate::wire::codec::Reader,
                at: $crate::wire::codec::field::At,
            ) -> Result<Self, $crate::wire::codec::WireError> {
                use $crate::wire::message::table;
                let mut value = Self::default();
                $(
                    table::read(table::rule!($($rule)*), &mut value.$field, input, at)
                        .map_err(|error| error.within(stringify!($field)))?;
                )*
                if at.flexible {
                    input.tagged_fields(|_tag, _input| {
                        $(
                            let rule = table::rule!($($rule)*);
                            if rule.tag == Some(_tag) && rule.present(at.version) {
                                value.$field = $crate::wire::codec::field::Field::read(_input, rule.at(at))
                                    .map_err(|error| error.within(stringify!($field)))?;
                            }
                        )*
                        Ok(())
                    })?;
                }
                Ok(value)
            }

            fn write(
                &self,
                out: &mut $crate::wire::codec::Writer,
                at: $crate::wire::codec::field::At,
            ) -> Result<(), $crate::wire::codec::WireError> {
                use $crate::wire::message::table;
                $(
                    table::write(
                        table::rule!($($rule)*),
                        &self.$field,
                        &table::initial!($type $(, $default)?),
                        out,
                        at,
                    )
                    .map_err(|error| error.within(stringify!($field)))?;
                )*
                if at.flexible {
                    #[allow(unused_mut)]
                    let mut tagged = Vec::new();
                    $(
                        table::write_tagged(
                            table::rule!($($rule)*),
                            &self.$field,
                            &table::initial!($type $(, $default)?),
                            &mut tagged,
                            at,
                        )
                        .map_err(|error| error.within(stringify!($field)))?;
                    )*
                    table::end_flexible(tagged, out);
                }
                Ok(())
            }

            #[allow(unused_variables)]
            fn error_codes(&self, depth: usize, found: &mut dyn FnMut(usize, i16)) {
                $( $crate::wire::message::table::error_field!(self, $field, depth, found); )*
            }
        }
    };
}
pub(crate) use fields;

/// What makes a request or a response of a struct; nothing for the nested ones.
macro_rules! outermost {
    (struct $name:ident, $key:ident) => {};
    (response $name:ident, $key:ident) => {
        impl $crate::wire::message::Message for $name {
            fn decode(
                input: &mut $crate::wire::codec::Reader,
                version: i16,
            ) -> Result<Self, $crate::wire::codec::WireError> {
                $crate::wire::message::table::supported(version, &VERSIONS)?;
                let at = $crate::wire::codec::field::At::new(version, FLEXIBLE_FROM);
                $crate::wire::codec::field::Field::read(input, at)
            }

            fn encode(
                &self,
                out: &mut $crate::wire::codec::Writer,
                version: i16,
            ) -> Result<(), $crate::wire::codec::WireError> {
                $crate::wire::message::table::supported(version, &VERSIONS)?;
                let at = $crate::wire::codec::field::At::new(version, FLEXIBLE_FROM);
                $crate::wire::codec::field::Field::write(self, out, at)
            }
        }
    };
    (request $name:ident, $key:ident, $response:ident) => {
        $crate::wire::message::table::outermost! { response $name, $key }

        impl $crate::wire::message::Request for $name {
            const KEY: $crate::wire::api_key::ApiKey = $crate::wire::api_key::ApiKey::$key;
            const VERSIONS: std::ops::RangeInclusive<i16> = VERSIONS;
            const FLEXIBLE_FROM: i16 = FLEXIBLE_FROM;
            type Response = $response;
        }

        #[cfg(test)]
        #[test]
        fn agrees_with_the_second_opinion() {
            $crate::wire::message::tests::agree::<$name>();
        }
    };
}
pub(crate) use outermost;

/// Refuses versions that a message does not have.
pub(crate) fn supported(version: i16, versions: &std::ops::RangeInclusive<i16>) -> Result<(), WireError> {
    if versions.contains(&version) {
        return Ok(());
    }
    Err(crate::wire::codec::Problem::UnsupportedVersion(version).into())
}
