//! What files declare, read key by key: the chain, its regions, stores, programs and bindings. Several files are
//! one declaration; every object remembers where it stands.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use semver::VersionReq;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::fault::{Fault, MOST_FAULTS, Wrong};
use super::source::{Parsed, Source, push};
use crate::clock;
use crate::domain::schedule::Schedule;
use crate::domain::settings::CheckoutSettings;
use crate::domain::time::Day;
use crate::snapshot::Limit;

/// Objects of one kind a declaration may hold.
const MOST: usize = 10_000;

/// Where an object stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    pub file: usize,
    /// JSON pointer inside the file.
    pub pointer: String,
}

impl At {
    /// A key inside the object.
    pub fn key(&self, key: &str) -> Self {
        Self {
            file: self.file,
            pointer: format!("{}{key}", self.pointer),
        }
    }
}

/// Something declared, and where.
#[derive(Debug, Clone)]
pub struct Item<T> {
    pub at: At,
    pub value: T,
}

/// All files together.
#[derive(Debug, Default)]
pub struct Declaration {
    pub files: Vec<Parsed>,
    pub name: Option<Item<String>>,
    pub language: Option<Item<String>>,
    /// Of stores that name none.
    pub currency: Option<Item<String>>,
    pub settings: Option<Item<CheckoutSettings>>,
    /// Categories rules may name before there are goods in them.
    pub categories: BTreeSet<String>,
    pub regions: Vec<Item<Region>>,
    pub stores: Vec<Item<Store>>,
    pub programs: Vec<Item<Program>>,
    pub bindings: Vec<Item<Binding>>,
    /// What stands in the files and is left alone.
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    pub id: String,
    pub name: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    pub id: String,
    pub name: String,
    pub region: String,
    pub time_zone: String,
    #[serde(default)]
    pub currency: Option<String>,
    #[serde(default)]
    pub prices_include_tax: Option<bool>,
    #[serde(default)]
    pub attributes: BTreeMap<String, Value>,
    #[serde(default = "yes")]
    pub active: bool,
    /// Names of tills, which are paired, not declared.
    #[serde(default)]
    pub terminals: Vec<String>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    pub id: String,
    pub name: String,
    #[serde(default)]
    pub scale: Option<i64>,
    #[serde(default)]
    pub settings: BTreeMap<String, Value>,
}

/// What `POST /v1/bindings` takes; `name` is what the binding is known by from revision to revision.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    pub name: String,
    /// A binding made through the API that this file takes over.
    #[serde(default)]
    pub id: Option<String>,
    pub plugin: String,
    #[serde(default = "any")]
    pub version: VersionReq,
    #[serde(default = "chain")]
    pub scope: String,
    #[serde(default)]
    pub config: Value,
    #[serde(default)]
    pub granted: Vec<String>,
    #[serde(default)]
    pub priority: i32,
    #[serde(default)]
    pub schedule: Times,
    #[serde(default)]
    pub group: Option<String>,
    #[serde(default)]
    pub group_choice: GroupChoice,
    #[serde(default)]
    pub base: Base,
    #[serde(default)]
    pub stage: Stage,
    #[serde(default)]
    pub max_discount: Option<i64>,
    #[serde(default)]
    pub limits: Vec<Limit>,
    #[serde(default)]
    pub on_fault: OnFault,
}

fn any() -> VersionReq {
    VersionReq::STAR
}

fn chain() -> String {
    "chain".to_owned()
}

/// A schedule with its days as dates.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Times {
    from: Option<chrono::NaiveDate>,
    until: Option<chrono::NaiveDate>,
    weekdays: Vec<u8>,
    minutes: Option<(u16, u16)>,
}

impl Times {
    pub fn schedule(&self) -> Schedule {
        let day = |date: &chrono::NaiveDate| -> Day { clock::day_of(*date) };
        Schedule {
            from: self.from.as_ref().map(day),
            until: self.until.as_ref().map(day),
            weekdays: self.weekdays.clone(),
            minutes: self.minutes,
        }
    }
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $first:ident $first_word:literal $(, $other:ident $word:literal)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
        pub enum $name {
            #[default]
            #[serde(rename = $first_word)]
            $first,
            $(#[serde(rename = $word)] $other,)*
        }

        impl $name {
            pub fn word(self) -> &'static str {
                match self { Self::$first => $first_word, $(Self::$other => $word,)* }
            }
        }
    };
}

words! { GroupChoice { Best "best", First "first" } }
words! { Base { Discounted "discounted", Initial "initial" } }
words! { Stage { Lines "lines", Order "order", Coupons "coupons" } }
words! { OnFault { Skip "skip", RefuseOrder "refuse-order" } }

impl Declaration {
    /// Reads all files; every fault that can be told is told.
    pub fn read(sources: &[Source]) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut declaration = Self::default();
        for source in sources {
            match Parsed::read(source) {
                Ok(parsed) => declaration.files.push(parsed),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() {
            for file in 0..declaration.files.len() {
                declaration.add(file, &mut faults);
            }
            declaration.refuse_twice(&mut faults);
        }
        if faults.is_empty() {
            return Ok(declaration);
        }
        faults.sort_by(|a, b| (&a.file, a.line, &a.key).cmp(&(&b.file, b.line, &b.key)));
        faults.truncate(MOST_FAULTS);
        Err(faults)
    }

    /// A fault at a place.
    pub fn fault(&self, at: &At, wrong: Wrong) -> Fault {
        match self.files.get(at.file) {
            Some(file) => file.fault(&at.pointer, wrong),
            None => Fault {
                file: String::new(),
                line: 1,
                key: String::new(),
                wrong,
            },
        }
    }

    /// `file:line` of a place.
    pub fn place(&self, at: &At) -> String {
        self.files.get(at.file).map_or_else(String::new, |file| {
            format!("{}:{}", file.name, file.line(&at.pointer))
        })
    }

    pub fn file_of(&self, at: &At) -> &str {
        self.files.get(at.file).map_or("", |file| &file.name)
    }

    /// Whether any file says something of the chain itself.
    pub fn chain_at(&self) -> Option<&At> {
        self.name
            .as_ref()
            .map(|item| &item.at)
            .or(self.language.as_ref().map(|item| &item.at))
            .or(self.settings.as_ref().map(|item| &item.at))
    }

    fn add(&mut self, file: usize, faults: &mut Vec<Fault>) {
        let Some(Value::Object(fields)) = self.files.get(file).map(|parsed| parsed.value.clone())
        else {
            return;
        };
        let mut reader = Reader {
            parsed: self.files[file].clone(),
            file,
            faults,
            twice: Vec::new(),
        };
        for (key, value) in fields {
            let mut pointer = String::new();
            push(&mut pointer, &key);
            match key.as_str() {
                "name" => reader.once(&mut self.name, &value, pointer),
                "language" => reader.once(&mut self.language, &value, pointer),
                "currency" => reader.once(&mut self.currency, &value, pointer),
                "settings" => reader.once(&mut self.settings, &value, pointer),
                "categories" => {
                    if let Some(named) = reader.one::<Vec<String>>(&value, &pointer) {
                        self.categories.extend(named);
                    }
                }
                "region" => reader.many(&mut self.regions, &value, &pointer),
                "store" => reader.many(&mut self.stores, &value, &pointer),
                "program" => reader.many(&mut self.programs, &value, &pointer),
                "binding" => reader.many(&mut self.bindings, &value, &pointer),
                "staff" | "coupon" => self.notes.push(format!(
                    "`{key}` is left alone: staff and codes are made through the API, not declared"
                )),
                _ => reader.fault(&pointer, Wrong::UnknownKey),
            }
        }
        let twice = reader.twice;
        for (at, first) in twice {
            let first = self.place(&first);
            faults.push(self.fault(&at, Wrong::Twice { first }));
        }
    }

    /// No object may stand twice, in one file or in two.
    fn refuse_twice(&mut self, faults: &mut Vec<Fault>) {
        let mut found = Vec::new();
        found.extend(twice(
            self.regions
                .iter()
                .map(|item| (&item.value.id, &item.at, "/id")),
        ));
        found.extend(twice(
            self.stores
                .iter()
                .map(|item| (&item.value.id, &item.at, "/id")),
        ));
        found.extend(twice(
            self.programs
                .iter()
                .map(|item| (&item.value.id, &item.at, "/id")),
        ));
        found.extend(twice(
            self.bindings
                .iter()
                .map(|item| (&item.value.name, &item.at, "/name")),
        ));
        let ids = |item: &'_ Item<Binding>| item.value.id.is_some();
        let named = self.bindings.iter().filter(|item| ids(item));
        found.extend(twice(
            named.filter_map(|item| Some((item.value.id.as_ref()?, &item.at, "/id"))),
        ));
        for (at, first) in found {
            let first = self.place(&first);
            faults.push(self.fault(&at, Wrong::Twice { first }));
        }
    }
}

/// The later ones of those that share an id, each with the first.
fn twice<'a>(items: impl Iterator<Item = (&'a String, &'a At, &'static str)>) -> Vec<(At, At)> {
    let mut seen: HashMap<&String, At> = HashMap::new();
    let mut found = Vec::new();
    for (id, at, key) in items {
        let at = at.key(key);
        match seen.get(id) {
            Some(first) => found.push((at, first.clone())),
            None => {
                seen.insert(id, at);
            }
        }
    }
    found
}

/// Reads values of one file.
struct Reader<'a> {
    parsed: Parsed,
    file: usize,
    faults: &'a mut Vec<Fault>,
    /// What stands in another file already, with where.
    twice: Vec<(At, At)>,
}

impl Reader<'_> {
    fn fault(&mut self, pointer: &str, wrong: Wrong) {
        self.faults.push(self.parsed.fault(pointer, wrong));
    }

    fn once<T: DeserializeOwned>(
        &mut self,
        slot: &mut Option<Item<T>>,
        value: &Value,
        pointer: String,
    ) {
        let file = self.file;
        if let Some(first) = slot {
            let at = At { file, pointer };
            return self.twice.push((at, first.at.clone()));
        }
        if let Some(value) = self.one(value, &pointer) {
            let at = At { file, pointer };
            *slot = Some(Item { at, value });
        }
    }

    fn many<T: DeserializeOwned>(
        &mut self,
        items: &mut Vec<Item<T>>,
        value: &Value,
        pointer: &str,
    ) {
        let Value::Array(values) = value else {
            let why = "write `[[…]]`, once per object".to_owned();
            return self.fault(pointer, Wrong::Invalid(why));
        };
        if items.len() + values.len() > MOST {
            return self.fault(
                pointer,
                Wrong::Invalid(format!("at most {MOST} fit one declaration")),
            );
        }
        for (position, value) in values.iter().enumerate() {
            let pointer = format!("{pointer}/{position}");
            if let Some(value) = self.one(value, &pointer) {
                let at = At {
                    file: self.file,
                    pointer,
                };
                items.push(Item { at, value });
            }
        }
    }

    fn one<T: DeserializeOwned>(&mut self, value: &Value, pointer: &str) -> Option<T> {
        match serde_path_to_error::deserialize(value) {
            Ok(value) => Some(value),
            Err(error) => {
                let (inside, wrong) = refused(&error);
                self.fault(&format!("{pointer}{inside}"), wrong);
                None
            }
        }
    }
}

/// The key serde stopped at, and what it says.
fn refused(error: &serde_path_to_error::Error<serde_json::Error>) -> (String, Wrong) {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in error.path().iter() {
        match segment {
            Segment::Seq { index } => push(&mut pointer, &index.to_string()),
            Segment::Map { key } => push(&mut pointer, key),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    let text = error.inner().to_string();
    let named = |prefix: &str| {
        let rest = text.strip_prefix(prefix)?;
        rest.split('`').next().map(str::to_owned)
    };
    if let Some(name) = named("missing field `") {
        push(&mut pointer, &name);
        return (pointer, Wrong::Required);
    }
    if let Some(name) = named("unknown field `") {
        if !pointer.ends_with(&format!("/{name}")) {
            push(&mut pointer, &name);
        }
        return (pointer, Wrong::UnknownKey);
    }
    (pointer, Wrong::Invalid(text))
}
