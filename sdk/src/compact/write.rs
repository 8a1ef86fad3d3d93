//! Writing the short form.

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::{Unfit, tag};

pub(crate) fn to_vec<T: Serialize>(value: &T) -> Result<Vec<u8>, Unfit> {
    let mut writer = Writer(Vec::new());
    value.serialize(&mut writer)?;
    Ok(writer.0)
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn head(&mut self, tag: u8, number: u64) {
        self.0.push(tag);
        self.number(number);
    }

    fn counted(&mut self, tag: u8, count: Option<usize>) -> Result<(), Unfit> {
        let count = count.ok_or(Unfit)?;
        self.head(tag, count as u64);
        Ok(())
    }

    fn bytes(&mut self, tag: u8, bytes: &[u8]) {
        self.head(tag, bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }
}

/// A struct being written: the number of its next field as the derived reader counts them.
struct Fields<'a> {
    writer: &'a mut Writer,
    next: u64,
}

macro_rules! numbers {
    ($($method:ident: $type:ty,)*) => {
        $(fn $method(self, value: $type) -> Result<(), Unfit> {
            self.serialize_i64(i64::from(value))
        })*
    };
}

impl<'a> Serializer for &'a mut Writer {
    type Ok = ();
    type Error = Unfit;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Fields<'a>;

    fn is_human_readable(&self) -> bool {
        false
    }

    numbers! {
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
    }

    fn serialize_bool(self, value: bool) -> Result<(), Unfit> {
        self.0.push(if value { tag::TRUE } else { tag::FALSE });
        Ok(())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Unfit> {
        match u64::try_from(value) {
            Ok(positive) => self.head(tag::POSITIVE, positive),
            Err(_) => self.head(tag::NEGATIVE, !value as u64),
        }
        Ok(())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Unfit> {
        self.head(tag::POSITIVE, value);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Unfit> {
        self.serialize_f64(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Result<(), Unfit> {
        self.0.push(tag::FLOAT);
        self.0.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Unfit> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Unfit> {
        self.bytes(tag::TEXT, value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Unfit> {
        self.bytes(tag::BYTES, value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Unfit> {
        self.0.push(tag::NONE);
        Ok(())
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), Unfit> {
        self.0.push(tag::SOME);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unfit> {
        self.0.push(tag::UNIT);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unfit> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
    ) -> Result<(), Unfit> {
        self.head(tag::VARIANT, variant.into());
        self.serialize_unit()
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unfit> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unfit> {
        self.head(tag::VARIANT, variant.into());
        value.serialize(self)
    }

    fn serialize_seq(self, count: Option<usize>) -> Result<Self, Unfit> {
        self.counted(tag::LIST, count)?;
        Ok(self)
    }

    fn serialize_tuple(self, count: usize) -> Result<Self, Unfit> {
        self.serialize_seq(Some(count))
    }

    fn serialize_tuple_struct(self, _: &'static str, count: usize) -> Result<Self, Unfit> {
        self.serialize_seq(Some(count))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        count: usize,
    ) -> Result<Self, Unfit> {
        self.head(tag::VARIANT, variant.into());
        self.serialize_seq(Some(count))
    }

    fn serialize_map(self, count: Option<usize>) -> Result<Self, Unfit> {
        self.counted(tag::MAP, count)?;
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, count: usize) -> Result<Fields<'a>, Unfit> {
        self.counted(tag::STRUCT, Some(count))?;
        Ok(Fields {
            writer: self,
            next: 0,
        })
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        variant: u32,
        _: &'static str,
        count: usize,
    ) -> Result<Fields<'a>, Unfit> {
        self.head(tag::VARIANT, variant.into());
        self.serialize_struct(name, count)
    }
}

macro_rules! elements {
    ($($part:ident $method:ident;)*) => {
        $(impl $part for &mut Writer {
            type Ok = ();
            type Error = Unfit;

            fn $method<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Unfit> {
                value.serialize(&mut **self)
            }

            fn end(self) -> Result<(), Unfit> {
                Ok(())
            }
        })*
    };
}

elements! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

impl SerializeMap for &mut Writer {
    type Ok = ();
    type Error = Unfit;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Unfit> {
        key.serialize(&mut **self)
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Unfit> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Unfit> {
        Ok(())
    }
}

macro_rules! fields {
    ($($part:ident)*) => {
        $(impl $part for Fields<'_> {
            type Ok = ();
            type Error = Unfit;

            fn serialize_field<T: ?Sized + Serialize>(
                &mut self,
                _: &'static str,
                value: &T,
            ) -> Result<(), Unfit> {
                self.writer.number(self.next);
                self.next += 1;
                value.serialize(&mut *self.writer)
            }

            fn skip_field(&mut self, _: &'static str) -> Result<(), Unfit> {
                self.next += 1;
                Ok(())
            }

            fn end(self) -> Result<(), Unfit> {
                Ok(())
            }
        })*
    };
}

fields! { SerializeStruct SerializeStructVariant }
