//! Where in a JSON text a reader stopped, as a JSON Pointer (RFC 6901).

enum Level {
    Object { key: Option<String>, in_value: bool },
    Array { position: usize },
}

/// The pointer to what a reader had last read at a line and column (both from one, bytes).
pub(crate) fn pointer_at(json: &str, line: usize, column: usize) -> String {
    let before: usize = json
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let end = before.saturating_add(column).min(json.len());
    let read = json.as_bytes().get(..end).unwrap_or_default();
    let mut levels: Vec<Level> = Vec::new();
    let mut position = 0;
    while let Some(byte) = read.get(position) {
        position += 1;
        match byte {
            b'"' => {
                let text = string_at(read, &mut position);
                if let Some(Level::Object {
                    key,
                    in_value: false,
                }) = levels.last_mut()
                {
                    *key = Some(text);
                }
            }
            // What was only opened is itself at fault, not what would have come inside.
            b'{' if position < read.len() => levels.push(Level::Object {
                key: None,
                in_value: false,
            }),
            b'[' if position < read.len() => levels.push(Level::Array { position: 0 }),
            b'}' | b']' => {
                levels.pop();
            }
            b':' => {
                if let Some(Level::Object { in_value, .. }) = levels.last_mut() {
                    *in_value = true;
                }
            }
            b',' => match levels.last_mut() {
                Some(Level::Object { key, in_value }) => (*key, *in_value) = (None, false),
                Some(Level::Array { position }) => *position += 1,
                None => {}
            },
            _ => {}
        }
    }
    written(&levels)
}

/// The text of a string whose opening quote was just passed; the position moves behind its end.
fn string_at(read: &[u8], position: &mut usize) -> String {
    let start = *position;
    while let Some(byte) = read.get(*position) {
        match byte {
            b'"' => break,
            b'\\' => *position += 2,
            _ => *position += 1,
        }
    }
    let end = (*position).min(read.len());
    *position = end + 1;
    String::from_utf8_lossy(read.get(start..end).unwrap_or_default()).into_owned()
}

fn written(levels: &[Level]) -> String {
    let mut pointer = String::new();
    for level in levels {
        match level {
            Level::Object { key: Some(key), .. } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Level::Object { key: None, .. } => {}
            Level::Array { position } => {
                pointer.push('/');
                pointer.push_str(&position.to_string());
            }
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use crate::Rate;
    use crate::config::read;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Outer {
        #[serde(default)]
        inner: Vec<Inner>,
        #[serde(default)]
        rates: BTreeMap<String, Rate>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Inner {
        spend: i64,
        #[serde(default)]
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Kind {
        One,
    }

    #[test]
    fn a_problem_points_at_the_value_the_key_or_the_object_at_fault() {
        for (json, pointer) in [
            (
                r#"{"inner": [{"spend": 1}, {"spend": "x"}]}"#,
                "/inner/1/spend",
            ),
            (r#"{"inner": [{"spend": 1}, {"kind": "one"}]}"#, "/inner/1"),
            (
                r#"{"inner": [{"spend": 1, "kind": "two"}]}"#,
                "/inner/0/kind",
            ),
            (r#"{"inner": [{"spend": 1, "knd": "one"}]}"#, "/inner/0/knd"),
            (r#"{"rates": {"a/b~": "x", "c": 2}}"#, "/rates/a~1b~0"),
            (r#"{"rates": {"a": "1.5", "c": 2.5}}"#, "/rates/c"),
            (
                "{\n\"inner\": [\n{\"spend\": 1},\n{\"spend\": true}]}",
                "/inner/1/spend",
            ),
            (r#"{"inner": {"spend": 1}}"#, "/inner"),
            ("7", ""),
        ] {
            let problems = read::<Outer>(json).expect_err(json);
            assert_eq!(
                problems[0].pointer, pointer,
                "{json}: {}",
                problems[0].message
            );
            assert!(
                !problems[0].message.contains("line"),
                "{}",
                problems[0].message
            );
        }
    }

    #[test]
    fn text_that_is_no_json_is_answered_with_line_and_column() {
        for json in ["", "{", "{\"inner\": [", "nul", "{\"a\\"] {
            let problems = read::<Outer>(json).expect_err(json);
            assert!(
                problems[0].message.contains("line 1 column"),
                "{}",
                problems[0].message
            );
        }
    }
}
