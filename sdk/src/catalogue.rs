//! Message catalogues: one flat TOML text per language, `key = "text with {argument}"`.

use std::collections::BTreeMap;
use std::fmt;

use crate::types::Message;

/// The texts of one language by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    pub texts: BTreeMap<String, String>,
}

/// What is wrong with a catalogue, and on which line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidCatalogue(pub String);

impl fmt::Display for InvalidCatalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidCatalogue {}

impl Catalogue {
    /// Reads lines of `key = "text"`; blank lines and comments are skipped, anything else refused.
    pub fn parse(toml: &str) -> Result<Catalogue, InvalidCatalogue> {
        let mut texts = BTreeMap::new();
        for (number, line) in toml.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let fault = |what: String| InvalidCatalogue(format!("line {}: {what}", number + 1));
            let (key, rest) = line
                .split_once('=')
                .ok_or_else(|| fault("write key = \"text\"".to_owned()))?;
            let key = key.trim();
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if key.is_empty() || !key.chars().all(plain) {
                return Err(fault(format!(
                    "the key {key:?} must be letters, digits, - and _"
                )));
            }
            let text = quoted(rest.trim()).map_err(fault)?;
            gaps(&text).map_err(fault)?;
            if texts.insert(key.to_owned(), text).is_some() {
                return Err(fault(format!("the key {key} stands twice")));
            }
        }
        Ok(Catalogue { texts })
    }

    /// The names in braces of a text.
    pub fn gaps(&self, key: &str) -> Vec<String> {
        self.texts
            .get(key)
            .and_then(|text| gaps(text).ok())
            .unwrap_or_default()
    }
}

/// Every language of a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogues {
    pub languages: BTreeMap<String, Catalogue>,
}

impl Catalogues {
    /// Reads all languages and makes sure that each says the same with the same gaps.
    pub fn parse(sources: &[(&str, &str)]) -> Result<Catalogues, InvalidCatalogue> {
        let mut languages = BTreeMap::new();
        for (language, toml) in sources {
            let catalogue = Catalogue::parse(toml)
                .map_err(|fault| InvalidCatalogue(format!("messages {language}, {fault}")))?;
            languages.insert((*language).to_owned(), catalogue);
        }
        let all = Catalogues { languages };
        all.agree()?;
        Ok(all)
    }

    fn agree(&self) -> Result<(), InvalidCatalogue> {
        for (language, catalogue) in &self.languages {
            for (other_language, other) in &self.languages {
                for key in other.texts.keys() {
                    if !catalogue.texts.contains_key(key) {
                        return Err(InvalidCatalogue(format!(
                            "messages {language} lack the key {key} that {other_language} has"
                        )));
                    }
                    let sorted = |catalogue: &Catalogue| {
                        let mut names = catalogue.gaps(key);
                        names.sort_unstable();
                        names.dedup();
                        names
                    };
                    if sorted(catalogue) != sorted(other) {
                        return Err(InvalidCatalogue(format!(
                            "message {key} has other arguments in {language} than in {other_language}"
                        )));
                    }
                }
            }
        }
        Ok(())
    }

    /// Makes sure that a message can be rendered in every language.
    pub fn resolve(&self, message: &Message) -> Result<(), InvalidCatalogue> {
        for (language, catalogue) in &self.languages {
            if !catalogue.texts.contains_key(&message.key) {
                return Err(InvalidCatalogue(format!(
                    "messages {language} lack the key {}",
                    message.key
                )));
            }
            let given = |gap: &String| message.arguments.iter().any(|(name, _)| name == gap);
            if let Some(gap) = catalogue.gaps(&message.key).iter().find(|gap| !given(gap)) {
                return Err(InvalidCatalogue(format!(
                    "message {} in {language} wants the argument {gap}, which is not given",
                    message.key
                )));
            }
        }
        Ok(())
    }
}

/// The text of a TOML string in double or single quotes.
fn quoted(source: &str) -> Result<String, String> {
    let wrong = || "write the text in quotes on one line".to_owned();
    let mut characters = source.chars();
    let quote = characters
        .next()
        .filter(|quote| matches!(quote, '"' | '\''))
        .ok_or_else(wrong)?;
    let mut text = String::new();
    loop {
        match characters.next().ok_or_else(wrong)? {
            end if end == quote => break,
            '\\' if quote == '"' => match characters.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some(plain @ ('"' | '\\')) => text.push(plain),
                _ => return Err("only \\n, \\t, \\\" and \\\\ can follow a backslash".to_owned()),
            },
            plain => text.push(plain),
        }
    }
    let rest = characters.as_str().trim();
    if rest.is_empty() || rest.starts_with('#') {
        Ok(text)
    } else {
        Err(wrong())
    }
}

/// Names in single braces; `{{` and `}}` stand for the braces themselves.
fn gaps(text: &str) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (brace, after) = (&rest[at..=at], &rest[at + 1..]);
        if let Some(doubled) = after.strip_prefix(brace) {
            rest = doubled;
            continue;
        }
        let end = after.find('}').filter(|_| brace == "{");
        let name = end.map(|end| &after[..end]);
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        match name.filter(|name| !name.is_empty() && name.chars().all(plain)) {
            Some(name) => {
                names.push(name.to_owned());
                rest = &after[name.len() + 1..];
            }
            None => {
                return Err(
                    "braces must hold the name of an argument; double them to print one".to_owned(),
                );
            }
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_comments_escapes_and_gaps_are_read() {
        let toml = "# head\n\nearned = \"{points} for {amount}\" # tail\nplain='a \"b\" {{c}}'\n";
        let catalogue = Catalogue::parse(toml).expect("valid");
        assert_eq!(catalogue.gaps("earned"), ["points", "amount"]);
        assert_eq!(catalogue.texts["plain"], "a \"b\" {{c}}");
        assert!(catalogue.gaps("plain").is_empty());
    }

    #[test]
    fn what_is_not_a_flat_catalogue_is_refused_with_its_line() {
        for toml in [
            "[table]",
            "a = 1",
            "a b = \"x\"",
            "= \"x\"",
            "a = \"x",
            "a = \"x\" y",
            "a = \"\\q\"",
            "a = \"{\"",
            "a = \"{b c}\"",
            "a = \"}\"",
            "a = \"1\"\na = \"2\"",
        ] {
            let fault = Catalogue::parse(toml).expect_err(toml);
            assert!(fault.0.starts_with("line "), "{fault}");
        }
    }

    #[test]
    fn languages_must_say_the_same() {
        let agree = |en: &str, zh: &str| Catalogues::parse(&[("en", en), ("zh-CN", zh)]);
        assert!(agree("a = \"{x} {y}\"", "a = \"{y}{x}\"").is_ok());
        assert!(agree("a = \"{x}\"", "a = \"\"").is_err());
        assert!(agree("a = \"\"", "b = \"\"").is_err());
    }

    #[test]
    fn a_message_resolves_when_every_gap_is_filled() {
        let catalogues = Catalogues::parse(&[("en", "a = \"{x}\"")]).expect("valid");
        assert!(
            catalogues
                .resolve(&crate::message!("a", x = 1_i64, more = true))
                .is_ok()
        );
        assert!(catalogues.resolve(&crate::message!("a")).is_err());
        assert!(catalogues.resolve(&crate::message!("b")).is_err());
    }
}
