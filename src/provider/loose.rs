//! Fields that servers get wrong: a value of another type reads as absent instead of spoiling the
//! whole reply.
//!
//! Servers that call themselves compatible disagree in every optional field. [`Loose`] reads a
//! field in one pass, without a tree of JSON values between.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize,
    de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

/// A value of `T`, or `None` where the JSON holds something else.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Loose<T>(pub(super) Option<T>);

impl<T> Default for Loose<T> {
    fn default() -> Self {
        Self(None)
    }
}

/// What a type makes of the forms of JSON. The forms it does not name read as absent.
pub(super) trait Shape<'de>: Sized {
    /// A string.
    fn text(_: &str) -> Option<Self> {
        None
    }

    /// A number; whole numbers up to 2^53 are exact.
    fn number(_: f64) -> Option<Self> {
        None
    }

    /// An array.
    fn list<A: SeqAccess<'de>>(mut items: A) -> Result<Option<Self>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    /// An object.
    fn object<A: MapAccess<'de>>(mut fields: A) -> Result<Option<Self>, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

impl Shape<'_> for String {
    fn text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn number(number: f64) -> Option<Self> {
        Some(number.to_string())
    }
}

impl Shape<'_> for u64 {
    fn text(text: &str) -> Option<Self> {
        text.trim().parse().ok()
    }

    fn number(number: f64) -> Option<Self> {
        (0.0..9e15).contains(&number).then_some(number as Self)
    }
}

impl Shape<'_> for f64 {
    fn text(text: &str) -> Option<Self> {
        text.trim().parse().ok().filter(|number: &Self| number.is_finite())
    }

    fn number(number: f64) -> Option<Self> {
        Some(number)
    }
}

impl<'de, T: Shape<'de>> Shape<'de> for Vec<T> {
    /// The items that have the right shape.
    fn list<A: SeqAccess<'de>>(mut items: A) -> Result<Option<Self>, A::Error> {
        let mut all = Self::new();
        while let Some(Loose(item)) = items.next_element::<Loose<T>>()? {
            all.extend(item);
        }
        Ok(Some(all))
    }
}

/// An object of a wire format: a struct with defaults for all its fields.
pub(super) trait WireObject<'de>: Deserialize<'de> {}

impl<'de, T: WireObject<'de>> Shape<'de> for T {
    fn object<A: MapAccess<'de>>(fields: A) -> Result<Option<Self>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields)).map(Some)
    }
}

impl<'de, T: Shape<'de>> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(LooseVisitor(PhantomData))
    }
}

struct LooseVisitor<T>(PhantomData<T>);

impl<'de, T: Shape<'de>> Visitor<'de> for LooseVisitor<T> {
    type Value = Loose<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Loose(T::text(text)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Loose(T::number(number as f64)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Loose(T::number(number as f64)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Loose(T::number(number)))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Loose(None))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Loose(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        T::list(items).map(Loose)
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
        T::object(fields).map(Loose)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_types_read_as_absent() {
        let read = |json: &str| {
            let text: Loose<String> = serde_json::from_str(json).expect("valid JSON");
            let count: Loose<u64> = serde_json::from_str(json).expect("valid JSON");
            let list: Loose<Vec<String>> = serde_json::from_str(json).expect("valid JSON");
            (text.0, count.0, list.0)
        };
        assert_eq!(read("null"), (None, None, None));
        assert_eq!(read("true"), (None, None, None));
        assert_eq!(read("\"7\""), (Some("7".to_owned()), Some(7), None));
        assert_eq!(read("12.0"), (Some("12".to_owned()), Some(12), None));
        assert_eq!(read("-3").1, None);
        assert_eq!(read("{\"a\":[1]}"), (None, None, None));
        assert_eq!(read("[\"a\",{},null]").2, Some(vec!["a".to_owned()]));
    }
}
