//! Copyable handles that are identified by a name.

/// Implements equality, order, hash, `Debug`, `Display`, `FromStr` and serde by name, and the error type of an unknown name.
///
/// The handle has the methods `all()`, an iterator of all values, and `name(self) -> &'static str`. `kind` completes the
/// message `unknown KIND 'NAME'; expected one of ...`. The crate that calls the macro depends on `serde`.
#[doc(hidden)]
#[macro_export]
macro_rules! identified_by_name {
    ($handle:ident, $(#[$meta:meta])* $unknown:ident, $kind:literal) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $unknown {
            /// The name.
            pub name: String,
        }

        impl ::std::fmt::Display for $unknown {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                let known: Vec<&str> = $handle::all().map($handle::name).collect();
                let (name, known) = (&self.name, known.join(", "));
                write!(f, "unknown {} '{name}'; expected one of {known}", $kind)
            }
        }

        impl ::std::error::Error for $unknown {}

        impl ::std::str::FromStr for $handle {
            type Err = $unknown;

            fn from_str(name: &str) -> Result<Self, $unknown> {
                let found = Self::all().find(|known| known.name() == name);
                found.ok_or_else(|| $unknown { name: name.to_owned() })
            }
        }

        impl ::std::fmt::Display for $handle {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl ::std::fmt::Debug for $handle {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.debug_tuple(stringify!($handle)).field(&self.name()).finish()
            }
        }

        impl PartialEq for $handle {
            fn eq(&self, other: &Self) -> bool {
                self.name() == other.name()
            }
        }

        impl Eq for $handle {}

        impl PartialOrd for $handle {
            fn partial_cmp(&self, other: &Self) -> Option<::std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $handle {
            fn cmp(&self, other: &Self) -> ::std::cmp::Ordering {
                self.name().cmp(other.name())
            }
        }

        impl ::std::hash::Hash for $handle {
            fn hash<H: ::std::hash::Hasher>(&self, state: &mut H) {
                self.name().hash(state);
            }
        }

        impl ::serde::Serialize for $handle {
            fn serialize<S: ::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.name())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $handle {
            fn deserialize<D: ::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let name = <String as ::serde::Deserialize>::deserialize(from)?;
                name.parse().map_err(::serde::de::Error::custom)
            }
        }
    };
}
