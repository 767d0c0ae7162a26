//! Random messages for tests: whatever a version can carry, from a seed.

use bytes::Bytes;
use fastrand::Rng;

use super::table::Rule;
use crate::base::Records;
use crate::wire::codec::field::At;
use crate::wire::secret::SecretBytes;

/// A type of which there are random values.
pub(crate) trait Any {
    /// A value that can be written at this version.
    fn any(seed: &mut Rng, at: At) -> Self;
}

/// Gives a field a random value, if the version has it; else it keeps its default.
pub(crate) fn fill<T: Any>(rule: Rule, field: &mut T, seed: &mut Rng, at: At) {
    if rule.present(at.version) {
        *field = T::any(seed, rule.at(at));
    }
}

macro_rules! number {
    ($($number:ident),*) => { $(
        impl Any for $number {
            fn any(seed: &mut Rng, _: At) -> Self {
                let other = seed.$number(..);
                *seed.choice(&[-1, 0, 1, $number::MIN, $number::MAX, other]).unwrap()
            }
        }
    )* };
}

number!(i8, i16, i32, i64);

impl Any for bool {
    fn any(seed: &mut Rng, _: At) -> Self {
        seed.bool()
    }
}

impl Any for f64 {
    fn any(seed: &mut Rng, _: At) -> Self {
        seed.f64() * 1e9
    }
}

impl Any for String {
    fn any(seed: &mut Rng, _: At) -> Self {
        let length = *seed.choice(&[0, 1, 7, 130, 300]).unwrap();
        (0..length).map(|_| seed.choice(['a', 'Z', '.', '-', 'ü', '語']).unwrap()).collect()
    }
}

impl Any for Bytes {
    fn any(seed: &mut Rng, _: At) -> Self {
        let length = *seed.choice(&[0, 1, 100, 3000]).unwrap();
        (0..length).map(|_| seed.u8(..)).collect()
    }
}

impl Any for SecretBytes {
    fn any(seed: &mut Rng, at: At) -> Self {
        Bytes::any(seed, at).into()
    }
}

impl Any for Records {
    fn any(seed: &mut Rng, at: At) -> Self {
        Records::Memory(Bytes::any(seed, at))
    }
}

impl<T: Any> Any for Option<T> {
    fn any(seed: &mut Rng, at: At) -> Self {
        (!at.nullable || seed.bool()).then(|| T::any(seed, at))
    }
}

impl<T: Any> Any for Vec<T> {
    fn any(seed: &mut Rng, at: At) -> Self {
        let at = At { nullable: false, ..at };
        (0..seed.usize(..4)).map(|_| T::any(seed, at)).collect()
    }
}
