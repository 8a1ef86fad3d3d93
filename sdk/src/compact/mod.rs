//! A short form of a configuration, read anew at each call: what costs there is looking up names, so the
//! fields of a struct and the variants of an enum stand as their numbers.
//!
//! It does not keep every type (a tag inside an enum needs its name, a flattened map its length), so
//! `config.rs` uses it only where reading back gives the same configuration.

mod read;
mod write;

use std::fmt;

pub(crate) use read::from_slice;
pub(crate) use write::to_vec;

/// What each value begins with.
mod tag {
    pub const UNIT: u8 = 0;
    pub const NONE: u8 = 1;
    pub const SOME: u8 = 2;
    pub const FALSE: u8 = 3;
    pub const TRUE: u8 = 4;
    /// A number, seven bits a byte, lowest first.
    pub const POSITIVE: u8 = 5;
    /// Its complement.
    pub const NEGATIVE: u8 = 6;
    /// Eight bytes, lowest first.
    pub const FLOAT: u8 = 7;
    /// Length and bytes.
    pub const TEXT: u8 = 8;
    pub const BYTES: u8 = 9;
    /// Count and values.
    pub const LIST: u8 = 10;
    /// Count, and a key before each value.
    pub const MAP: u8 = 11;
    /// Count, and a number before each value.
    pub const STRUCT: u8 = 12;
    /// A number and a value.
    pub const VARIANT: u8 = 13;
}

/// That a value has no short form, or bytes are none.
#[derive(Debug)]
pub(crate) struct Unfit;

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not in the form validate-config writes")
    }
}

impl std::error::Error for Unfit {}

impl serde::ser::Error for Unfit {
    fn custom<T: fmt::Display>(_: T) -> Unfit {
        Unfit
    }
}

impl serde::de::Error for Unfit {
    fn custom<T: fmt::Display>(_: T) -> Unfit {
        Unfit
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Debug;

    use serde::de::DeserializeOwned;
    use serde::{Deserialize, Serialize};

    use super::{from_slice, to_vec};

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct All {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        left_out: Option<u8>,
        #[serde(rename = "number")]
        small: i64,
        large: u64,
        text: String,
        flag: bool,
        nested: Option<Box<All>>,
        list: Vec<Shape>,
        pair: (u8, Option<()>),
        map: BTreeMap<String, i32>,
        float: f64,
        unit: (),
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Shape {
        Point,
        Circle(u32),
        Line(i8, i8),
        Rect { wide: u16, high: u16 },
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Struct { wide: u16 },
        Text(String),
    }

    fn all(nested: Option<Box<All>>) -> All {
        All {
            left_out: None,
            small: i64::MIN,
            large: u64::MAX,
            text: "储值".into(),
            flag: true,
            nested,
            list: vec![
                Shape::Point,
                Shape::Circle(300),
                Shape::Line(-1, 1),
                Shape::Rect { wide: 1, high: 2 },
            ],
            pair: (7, Some(())),
            map: BTreeMap::from([("a".into(), -1), ("b".into(), 128)]),
            float: 0.5,
            unit: (),
        }
    }

    fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
        let bytes = to_vec(value).expect("it has a short form");
        assert_eq!(from_slice::<T>(&bytes).as_ref().ok(), Some(value));
        for end in 0..bytes.len() {
            assert!(from_slice::<T>(&bytes[..end]).is_err(), "cut at {end}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(from_slice::<T>(&longer).is_err());
    }

    #[test]
    fn what_was_written_is_read_back_and_nothing_shorter_or_longer() {
        round_trip(&all(Some(Box::new(all(None)))));
        for one in [
            Either::Number(-5),
            Either::Struct { wide: 9 },
            Either::Text("x".into()),
        ] {
            round_trip(&one);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic() {
        let mut state = 1_u32;
        for length in 0..2_000 {
            let bytes: Vec<u8> = (0..length % 40)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8 % 20
                })
                .collect();
            let _ = from_slice::<All>(&bytes);
            let _ = from_slice::<Either>(&bytes);
        }
        let endless = [10, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
        assert!(from_slice::<Vec<u8>>(&endless).is_err());
    }
}
