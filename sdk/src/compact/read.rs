//! Reading the short form.

use serde::de::value::{U32Deserializer, U64Deserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::{Unfit, tag};

pub(crate) fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unfit> {
    let mut reader = Reader(bytes);
    let value = T::deserialize(&mut reader)?;
    if reader.0.is_empty() {
        Ok(value)
    } else {
        Err(Unfit)
    }
}

/// What is left to read.
struct Reader<'de>(&'de [u8]);

impl<'de> Reader<'de> {
    fn byte(&mut self) -> Result<u8, Unfit> {
        let (first, rest) = self.0.split_first().ok_or(Unfit)?;
        self.0 = rest;
        Ok(*first)
    }

    fn number(&mut self) -> Result<u64, Unfit> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(first.into());
        }
        let mut number = u64::from(first & 0x7f);
        let mut shift = 7;
        loop {
            let byte = self.byte()?;
            if shift > 63 || (shift == 63 && byte > 1) {
                return Err(Unfit);
            }
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
            shift += 7;
        }
    }

    /// A count of what follows: never more than there are bytes.
    fn count(&mut self) -> Result<usize, Unfit> {
        let count = usize::try_from(self.number()?).map_err(|_| Unfit)?;
        if count > self.0.len() {
            return Err(Unfit);
        }
        Ok(count)
    }

    fn bytes(&mut self) -> Result<&'de [u8], Unfit> {
        let count = self.count()?;
        let (bytes, rest) = self.0.split_at(count);
        self.0 = rest;
        Ok(bytes)
    }

    fn text(&mut self) -> Result<&'de str, Unfit> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Unfit)
    }

    fn expect(&mut self, tag: u8) -> Result<(), Unfit> {
        if self.byte()? == tag {
            Ok(())
        } else {
            Err(Unfit)
        }
    }

    fn values<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Unfit> {
        let mut values = Values {
            left: self.count()?,
            reader: self,
        };
        let value = visitor.visit_seq(&mut values)?;
        values.finish()?;
        Ok(value)
    }

    fn fields<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Unfit> {
        let mut fields = Fields(Values {
            left: self.count()?,
            reader: self,
        });
        let value = visitor.visit_map(&mut fields)?;
        fields.0.finish()?;
        Ok(value)
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Unfit;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        match self.byte()? {
            tag::UNIT => visitor.visit_unit(),
            tag::NONE => visitor.visit_none(),
            tag::SOME => visitor.visit_some(self),
            tag::FALSE => visitor.visit_bool(false),
            tag::TRUE => visitor.visit_bool(true),
            tag::POSITIVE => visitor.visit_u64(self.number()?),
            tag::NEGATIVE => match i64::try_from(self.number()?) {
                Ok(number) => visitor.visit_i64(!number),
                Err(_) => Err(Unfit),
            },
            tag::FLOAT => {
                let (bytes, rest) = self.0.split_first_chunk().ok_or(Unfit)?;
                self.0 = rest;
                visitor.visit_f64(f64::from_le_bytes(*bytes))
            }
            tag::TEXT => visitor.visit_borrowed_str(self.text()?),
            tag::BYTES => visitor.visit_borrowed_bytes(self.bytes()?),
            tag::LIST => self.values(visitor),
            tag::MAP => {
                let mut entries = Entries(Values {
                    left: self.count()?,
                    reader: self,
                });
                let value = visitor.visit_map(&mut entries)?;
                entries.0.finish()?;
                Ok(value)
            }
            tag::STRUCT => self.fields(visitor),
            _ => Err(Unfit),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        self.expect(tag::STRUCT)?;
        self.fields(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        self.expect(tag::LIST)?;
        self.values(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        self.expect(tag::TEXT)?;
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        match self.byte()? {
            tag::NONE => visitor.visit_none(),
            tag::SOME => visitor.visit_some(self),
            _ => Err(Unfit),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        self.expect(tag::VARIANT)?;
        visitor.visit_enum(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char bytes byte_buf unit unit_struct tuple
        tuple_struct map identifier ignored_any
    }
}

/// Values one after another.
struct Values<'a, 'de> {
    reader: &'a mut Reader<'de>,
    left: usize,
}

impl Values<'_, '_> {
    /// Whether one more is to be read.
    fn next(&mut self) -> bool {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }

    fn finish(&self) -> Result<(), Unfit> {
        if self.left == 0 { Ok(()) } else { Err(Unfit) }
    }
}

impl<'de> SeqAccess<'de> for &mut Values<'_, 'de> {
    type Error = Unfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Unfit> {
        if self.next() {
            seed.deserialize(&mut *self.reader).map(Some)
        } else {
            Ok(None)
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// A map's keys and values.
struct Entries<'a, 'de>(Values<'a, 'de>);

impl<'de> MapAccess<'de> for &mut Entries<'_, 'de> {
    type Error = Unfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Unfit> {
        if self.0.next() {
            seed.deserialize(&mut *self.0.reader).map(Some)
        } else {
            Ok(None)
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unfit> {
        seed.deserialize(&mut *self.0.reader)
    }
}

/// A struct's fields by number.
struct Fields<'a, 'de>(Values<'a, 'de>);

impl<'de> MapAccess<'de> for &mut Fields<'_, 'de> {
    type Error = Unfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Unfit> {
        if !self.0.next() {
            return Ok(None);
        }
        let field: U64Deserializer<Unfit> = self.0.reader.number()?.into_deserializer();
        seed.deserialize(field).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unfit> {
        seed.deserialize(&mut *self.0.reader)
    }
}

impl<'de> EnumAccess<'de> for &mut Reader<'de> {
    type Error = Unfit;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Unfit> {
        let number = u32::try_from(self.number()?).map_err(|_| Unfit)?;
        let variant: U32Deserializer<Unfit> = number.into_deserializer();
        Ok((seed.deserialize(variant)?, self))
    }
}

impl<'de> VariantAccess<'de> for &mut Reader<'de> {
    type Error = Unfit;

    fn unit_variant(self) -> Result<(), Unfit> {
        self.expect(tag::UNIT)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Unfit> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Unfit> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        self.deserialize_struct("", fields, visitor)
    }
}
