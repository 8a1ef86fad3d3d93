//! A file of a declaration: its TOML as JSON, and the line every key stands on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use utoipa::ToSchema;

use super::fault::{Fault, Wrong};

/// A file as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConfigurationFile)]
pub struct Source {
    /// What refusals call it: a file name.
    pub name: String,
    /// TOML.
    pub text: String,
}

/// A file read.
#[derive(Debug, Clone)]
pub struct Parsed {
    pub name: String,
    pub value: Value,
    lines: Lines,
}

/// Where keys stand.
#[derive(Debug, Clone, Default)]
struct Lines {
    /// Byte offsets at which lines begin.
    starts: Vec<usize>,
    /// By JSON pointer.
    offsets: BTreeMap<String, usize>,
}

impl Parsed {
    /// Reads a file.
    ///
    /// # Errors
    /// One fault with its line where the text is not TOML.
    pub fn read(source: &Source) -> Result<Self, Fault> {
        let mut lines = Lines {
            starts: std::iter::once(0)
                .chain(source.text.match_indices('\n').map(|(at, _)| at + 1))
                .collect(),
            offsets: BTreeMap::new(),
        };
        let at = |lines: &Lines, offset: usize, key: &str, why: String| Fault {
            file: source.name.clone(),
            line: lines.of_offset(offset),
            key: key_of(key),
            wrong: Wrong::NotToml(why),
        };
        if let Some(offset) = source.text.find('\0') {
            return Err(at(&lines, offset, "", "it holds U+0000".to_owned()));
        }
        let table = DeTable::parse(&source.text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            at(&lines, offset, "", error.message().replace('\n', ", "))
        })?;
        let mut pointer = String::new();
        let value = lines
            .table(table.get_ref(), &mut pointer)
            .map_err(|(offset, pointer, why)| at(&lines, offset, &pointer, why))?;
        Ok(Self {
            name: source.name.clone(),
            value: Value::Object(value),
            lines,
        })
    }

    /// The line a key stands on; of what holds it where the key itself is missing.
    pub fn line(&self, pointer: &str) -> u32 {
        let mut pointer = pointer;
        loop {
            if let Some(offset) = self.lines.offsets.get(pointer) {
                return self.lines.of_offset(*offset);
            }
            match pointer.rsplit_once('/') {
                Some((parent, _)) => pointer = parent,
                None => return 1,
            }
        }
    }

    /// A fault at a key of this file.
    pub fn fault(&self, pointer: &str, wrong: Wrong) -> Fault {
        Fault {
            file: self.name.clone(),
            line: self.line(pointer),
            key: key_of(pointer),
            wrong,
        }
    }
}

/// What is not representable: its offset, pointer and why.
type Odd = (usize, String, String);

impl Lines {
    fn of_offset(&self, offset: usize) -> u32 {
        let line = self.starts.partition_point(|start| *start <= offset);
        u32::try_from(line).unwrap_or(u32::MAX)
    }

    fn table(
        &mut self,
        table: &DeTable<'_>,
        pointer: &mut String,
    ) -> Result<Map<String, Value>, Odd> {
        let length = pointer.len();
        let mut fields = Map::new();
        for (name, value) in table {
            push(pointer, name.get_ref());
            self.offsets.insert(pointer.clone(), name.span().start);
            fields.insert(
                name.get_ref().clone().into_owned(),
                self.value(value, pointer)?,
            );
            pointer.truncate(length);
        }
        Ok(fields)
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, pointer: &mut String) -> Result<Value, Odd> {
        let odd = |why: &str| (value.span().start, pointer.clone(), why.to_owned());
        Ok(match value.get_ref() {
            DeValue::String(text) => Value::String(text.clone().into_owned()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_err(|_| odd("the number does not fit 64 bits"))?
                .into(),
            DeValue::Float(number) => number
                .as_str()
                .parse()
                .ok()
                .and_then(serde_json::Number::from_f64)
                .map(Value::Number)
                .ok_or_else(|| odd("the number is not finite"))?,
            DeValue::Boolean(truth) => Value::Bool(*truth),
            DeValue::Datetime(time) => Value::String(time.to_string()),
            DeValue::Array(items) => {
                let length = pointer.len();
                let mut values = Vec::new();
                for (position, item) in items.iter().enumerate() {
                    push(pointer, &position.to_string());
                    self.offsets.insert(pointer.clone(), item.span().start);
                    values.push(self.value(item, pointer)?);
                    pointer.truncate(length);
                }
                Value::Array(values)
            }
            DeValue::Table(table) => Value::Object(self.table(table, pointer)?),
        })
    }
}

/// Adds one step to a JSON pointer.
pub fn push(pointer: &mut String, step: &str) {
    pointer.push('/');
    pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
}

/// A pointer as people write keys: `/binding/2/config/rate` is `binding[2].config.rate`.
fn key_of(pointer: &str) -> String {
    let mut key = String::new();
    for step in pointer.split('/').skip(1) {
        if !key.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit()) {
            key.push('[');
            key.push_str(step);
            key.push(']');
            continue;
        }
        if !key.is_empty() {
            key.push('.');
        }
        key.push_str(&step.replace("~1", "/").replace("~0", "~"));
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Parsed, Fault> {
        Parsed::read(&Source {
            name: "a.toml".to_owned(),
            text: text.to_owned(),
        })
    }

    #[test]
    fn every_key_knows_its_line() {
        let text = "name = \"x\"\n\n[settings]\ntax = [\n  { rate = 1 },\n  { rate = 2 },\n]\n\n\
                    [[binding]]\nname = \"a\"\n[binding.config]\nrate = 3\n\n[[binding]]\nname = \"b\"\n\
                    from = 2026-01-02\n";
        let parsed = read(text).unwrap();
        let lines = [
            ("/name", 1),
            ("/settings/tax/1/rate", 6),
            ("/binding/0/config/rate", 12),
            ("/binding/1/name", 15),
            ("/binding/1/config/missing", 14),
            ("/nothing", 1),
        ];
        for (pointer, line) in lines {
            assert_eq!(parsed.line(pointer), line, "{pointer}");
        }
        assert_eq!(parsed.value["binding"][1]["from"], "2026-01-02");
        assert_eq!(
            key_of("/binding/2/config/a~1b/0/c"),
            "binding[2].config.a/b[0].c"
        );
    }

    #[test]
    fn broken_toml_is_told_with_its_line() {
        let fault = read("name = \"x\"\nname = \"y\"\n").unwrap_err();
        assert_eq!((fault.line, fault.file.as_str()), (2, "a.toml"));
        let fault = read("a = 1\nb = 99999999999999999999\n").unwrap_err();
        assert_eq!((fault.line, fault.key.as_str()), (2, "b"));
        assert_eq!(read("a = \"x\n").unwrap_err().line, 1);
    }
}
