//! The encoding of fields' types: numbers, strings, bytes, records, arrays, and null.
//!
//! Pure. Two layouts: until a message turns flexible, lengths are fixed-size and -1 is null; after it they are unsigned
//! varints of length + 1 and 0 is null (KIP-482). Every length is checked before anything is allocated by it.

use bytes::Bytes;

use super::{Problem, Reader, WireError, Writer};
use crate::base::Records;

/// The longest string Kafka reads or writes, in bytes of UTF-8.
const STRING_MAX: usize = i16::MAX as usize;
/// How many elements an array reserves capacity for before the first is read; it grows with the elements that
/// are really there.
const RESERVE_MAX: usize = 1024;

/// The context of a value in the protocol.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// The message's version.
    pub version: i16,
    /// Whether that version is flexible: compact lengths, tagged fields.
    pub flexible: bool,
    /// Whether null may stand here at that version.
    pub nullable: bool,
}

impl At {
    /// A message's outermost struct, at this version of a message that is flexible from `flexible_from`.
    pub fn new(version: i16, flexible_from: i16) -> Self {
        Self { version, flexible: version >= flexible_from, nullable: false }
    }
}

/// A type that a message's field can have.
pub trait Field: Sized + PartialEq {
    /// The value of a field of this type if the table names no default.
    fn initial() -> Self;
    /// The fewest bytes a value takes.
    fn min_size(at: At) -> usize;
    /// Reads a value.
    ///
    /// # Errors The bytes are no such value.
    fn read(input: &mut Reader, at: At) -> Result<Self, WireError>;
    /// Writes the value.
    ///
    /// # Errors It is too long, or null where that is not allowed, or it contains what the version cannot
    /// carry.
    fn write(&self, out: &mut Writer, at: At) -> Result<(), WireError>;
    /// Passes on the error codes within the value, each with its depth: how many structs stand around the one that
    /// has it, below `depth`.
    fn error_codes(&self, _depth: usize, _found: &mut dyn FnMut(usize, i16)) {}
}

/// A type with a length on the wire, which can express null. Other types cannot be null.
pub trait Nullable: Sized + PartialEq {
    /// What a nullable field of this type holds where the table names no default.
    fn initial() -> Option<Self>;
    /// The fewest bytes a value takes, null included.
    fn min_size(at: At) -> usize;
    /// Reads a value or null, allowed or not.
    ///
    /// # Errors The bytes are neither.
    fn read_nullable(input: &mut Reader, at: At) -> Result<Option<Self>, WireError>;
    /// Writes a value, or null for None.
    ///
    /// # Errors It is too long, or contains what the version cannot carry.
    fn write_nullable(value: Option<&Self>, out: &mut Writer, at: At) -> Result<(), WireError>;
}

/// Implements [`Field`] for a number: its size, and the calls of the same name on reader and writer.
macro_rules! number {
    ($($number:ident of $size:literal),*) => { $(
        impl Field for $number {
            fn initial() -> Self {
                Self::default()
            }
            fn min_size(_: At) -> usize {
                $size
            }
            fn read(input: &mut Reader, _: At) -> Result<Self, WireError> {
                input.$number()
            }
            fn write(&self, out: &mut Writer, _: At) -> Result<(), WireError> {
                out.$number(*self);
                Ok(())
            }
        }
    )* };
}

number!(bool of 1, i8 of 1, i16 of 2, i32 of 4, i64 of 8, f64 of 8);

/// Implements [`Field`] for a type that can be null where it must not be.
macro_rules! never_null {
    ($([$($generic:tt)*] $type:ty $({ $($more:tt)* })?),*) => { $(
        impl<$($generic)*> Field for $type {
            $($($more)*)?
            fn initial() -> Self {
                Self::default()
            }
            fn min_size(at: At) -> usize {
                <Self as Nullable>::min_size(at)
            }
            fn read(input: &mut Reader, at: At) -> Result<Self, WireError> {
                Self::read_nullable(input, at)?.ok_or(Problem::Null.into())
            }
            fn write(&self, out: &mut Writer, at: At) -> Result<(), WireError> {
                Self::write_nullable(Some(self), out, at)
            }
        }
    )* };
}

never_null!([] String, [] Bytes, [T: Field] Vec<T> {
    fn error_codes(&self, depth: usize, found: &mut dyn FnMut(usize, i16)) {
        self.iter().for_each(|element| element.error_codes(depth, found));
    }
});

impl<T: Nullable> Field for Option<T> {
    fn initial() -> Self {
        T::initial()
    }

    fn min_size(at: At) -> usize {
        T::min_size(at)
    }

    fn read(input: &mut Reader, at: At) -> Result<Self, WireError> {
        match T::read_nullable(input, at)? {
            None if !at.nullable => Err(Problem::Null.into()),
            value => Ok(value),
        }
    }

    fn write(&self, out: &mut Writer, at: At) -> Result<(), WireError> {
        if self.is_none() && !at.nullable {
            return Err(Problem::NotInVersion(at.version).into());
        }
        T::write_nullable(self.as_ref(), out, at)
    }
}

/// How a length before the value is laid out, where the message is not flexible.
#[derive(Clone, Copy)]
enum LengthWidth {
    Two,
    Four,
}

/// Reads a length: None for null. Any negative one is null, as in Kafka.
fn read_length(input: &mut Reader, at: At, width: LengthWidth) -> Result<Option<usize>, WireError> {
    let length = match width {
        _ if at.flexible => i64::from(input.unsigned_varint()?) - 1,
        LengthWidth::Two => i64::from(input.i16()?),
        LengthWidth::Four => i64::from(input.i32()?),
    };
    if length > i64::from(i32::MAX) {
        return Err(Problem::Length(length).into());
    }
    Ok(usize::try_from(length).ok())
}

/// Writes a length, or null.
fn write_length(
    length: Option<usize>,
    out: &mut Writer,
    at: At,
    width: LengthWidth,
) -> Result<(), WireError> {
    let max = if matches!(width, LengthWidth::Two) { STRING_MAX } else { i32::MAX as usize };
    let length = match length {
        None => -1,
        Some(length) if length > max => return Err(Problem::Length(length as i64).into()),
        Some(length) => length as i32,
    };
    match width {
        _ if at.flexible => out.unsigned_varint((length + 1) as u32),
        LengthWidth::Two => out.i16(length as i16),
        LengthWidth::Four => out.i32(length),
    }
    Ok(())
}

fn size_of_length(at: At, width: LengthWidth) -> usize {
    match width {
        _ if at.flexible => 1,
        LengthWidth::Two => 2,
        LengthWidth::Four => 4,
    }
}

impl Nullable for String {
    fn initial() -> Option<Self> {
        Some(Self::new())
    }

    fn min_size(at: At) -> usize {
        size_of_length(at, LengthWidth::Two)
    }

    /// Bytes that are not UTF-8 are replaced, as Java's decoder does.
    fn read_nullable(input: &mut Reader, at: At) -> Result<Option<Self>, WireError> {
        match read_length(input, at, LengthWidth::Two)? {
            None => Ok(None),
            Some(length) if length > STRING_MAX => Err(Problem::Length(length as i64).into()),
            Some(length) => Ok(Some(String::from_utf8_lossy(&input.take(length)?).into_owned())),
        }
    }

    fn write_nullable(value: Option<&Self>, out: &mut Writer, at: At) -> Result<(), WireError> {
        write_length(value.map(String::len), out, at, LengthWidth::Two)?;
        out.raw(value.map_or(&[], |text| text.as_bytes()));
        Ok(())
    }
}

impl Nullable for Bytes {
    fn initial() -> Option<Self> {
        Some(Self::new())
    }

    fn min_size(at: At) -> usize {
        size_of_length(at, LengthWidth::Four)
    }

    fn read_nullable(input: &mut Reader, at: At) -> Result<Option<Self>, WireError> {
        read_length(input, at, LengthWidth::Four)?.map(|length| input.take(length)).transpose()
    }

    fn write_nullable(value: Option<&Self>, out: &mut Writer, at: At) -> Result<(), WireError> {
        write_length(value.map(Bytes::len), out, at, LengthWidth::Four)?;
        out.raw(value.map_or(&[], |bytes| bytes));
        Ok(())
    }
}

impl Nullable for Records {
    /// Kafka's record fields begin as null.
    fn initial() -> Option<Self> {
        None
    }

    fn min_size(at: At) -> usize {
        size_of_length(at, LengthWidth::Four)
    }

    fn read_nullable(input: &mut Reader, at: At) -> Result<Option<Self>, WireError> {
        Ok(Bytes::read_nullable(input, at)?.map(Self::Memory))
    }

    fn write_nullable(value: Option<&Self>, out: &mut Writer, at: At) -> Result<(), WireError> {
        write_length(value.map(Self::len), out, at, LengthWidth::Four)?;
        if let Some(records) = value {
            out.records(records);
        }
        Ok(())
    }
}

impl<T: Field> Nullable for Vec<T> {
    fn initial() -> Option<Self> {
        Some(Self::new())
    }

    fn min_size(at: At) -> usize {
        size_of_length(at, LengthWidth::Four)
    }

    fn read_nullable(input: &mut Reader, at: At) -> Result<Option<Self>, WireError> {
        let Some(count) = read_length(input, at, LengthWidth::Four)? else { return Ok(None) };
        let at = At { nullable: false, ..at };
        if count > input.remaining() / T::min_size(at).max(1) {
            return Err(Problem::Length(count as i64).into());
        }
        let mut elements = Vec::with_capacity(count.min(RESERVE_MAX));
        for _ in 0..count {
            elements.push(T::read(input, at)?);
        }
        Ok(Some(elements))
    }

    fn write_nullable(value: Option<&Self>, out: &mut Writer, at: At) -> Result<(), WireError> {
        write_length(value.map(Vec::len), out, at, LengthWidth::Four)?;
        let at = At { nullable: false, ..at };
        value.into_iter().flatten().try_for_each(|element| element.write(out, at))
    }
}
