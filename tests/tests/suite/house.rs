//! The rooms of the host stay apart: what one may know of another is read from its `use` lines.

use std::path::{Path, PathBuf};

/// A room, and what it may name of the crate. Deeper rooms first.
const ROOMS: [(&str, &[&str]); 4] = [
    ("domain", &["domain"]),
    ("store", &["store", "domain", "on", "clock"]),
    ("plugins", &["plugins", "domain", "clock"]),
    ("devices", &["devices", "domain"]),
];

/// Rooms above the use cases, which nothing below may name; filling a demo is a command.
const ABOVE: [&str; 3] = ["http", "cli", "demo"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder)
        .expect("a folder of the host")
        .flatten()
    {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The first word after every `crate::` of a file, with its line. Comments are passed over.
fn named(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for rest in code.split("crate::").skip(1) {
            let word: String = rest
                .chars()
                .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                .collect();
            found.push((number + 1, word));
        }
    }
    found
}

fn host() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src")
}

#[test]
fn every_room_names_only_what_the_arrows_allow() {
    let root = host();
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(
        files.len() > 100,
        "the host was not found at {}",
        root.display()
    );
    let mut wrong = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&root).expect("a file of the host");
        let room = inside
            .iter()
            .next()
            .and_then(|part| part.to_str())
            .expect("a name");
        let room = room.trim_end_matches(".rs");
        let text = std::fs::read_to_string(&file).expect("a readable file");
        for (line, word) in named(&text) {
            let allowed = match ROOMS.iter().find(|(name, _)| *name == room) {
                Some((_, allowed)) => allowed.contains(&word.as_str()),
                None if ABOVE.contains(&room) || room == "main" => true,
                None => !ABOVE.contains(&word.as_str()),
            };
            if !allowed {
                wrong.push(format!("{}:{line} names {word}", inside.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_domain_knows_no_database_no_sandbox_and_no_clock() {
    let mut files = Vec::new();
    sources(&host().join("domain"), &mut files);
    let strangers = [
        "sqlx",
        "tokio",
        "axum",
        "wasmtime",
        "SystemTime",
        "chrono::Utc",
        "std::fs",
        "std::net",
    ];
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a readable file");
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for stranger in strangers {
                assert!(
                    !code.contains(stranger),
                    "{}:{} names {stranger}",
                    file.display(),
                    number + 1
                );
            }
        }
    }
}
