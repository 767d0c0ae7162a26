//! The enums of ACLs as tables: a row has a case, its number in the protocol, and the name of Java's constant.
//!
//! Pure. Kafka: `AclOperation`, `ResourceType`, `PatternType`, `AclPermissionType`.

/// An enum of ACLs by its rows. The first case is `Unknown`, which stands for every other number.
macro_rules! acl_enum {
    (
        $(#[$of_enum:meta])*
        pub enum $name:ident {
            $($(#[$of_case:meta])* $case:ident = $code:literal $constant:literal,)+
        }
    ) => {
        $(#[$of_enum])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(i8)]
        pub enum $name {
            $($(#[$of_case])* $case = $code,)+
        }

        impl $name {
            /// All of them, by their numbers.
            const ALL: &'static [Self] = &[$(Self::$case),+];

            /// The one of this number in the protocol; `Unknown` for a number of a later version.
            pub const fn from_code(code: i8) -> Self {
                match code {
                    $($code => Self::$case,)+
                    _ => Self::Unknown,
                }
            }

            /// Its number in the protocol.
            pub const fn code(self) -> i8 {
                self as i8
            }

            /// Its name as Java's constant.
            pub const fn constant(self) -> &'static str {
                match self {
                    $(Self::$case => $constant,)+
                }
            }

            /// The first one of which this holds; `Unknown` where it holds of none.
            fn of(is_it: impl Fn(Self) -> bool) -> Self {
                Self::ALL.iter().copied().find(|it| is_it(*it)).unwrap_or(Self::Unknown)
            }
        }
    };
}

pub(super) use acl_enum;
