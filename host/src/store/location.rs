//! Where a chain's data lies, as people write it and as the host compares it.

use std::path::{Path, PathBuf};

use super::error::StoreError;

/// The embedded database within its data folder.
pub(super) const DATABASE_FILE: &str = "tessera.db";

/// Where the chain's data lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A database file; it and its folder are created when missing.
    Sqlite(PathBuf),
    /// `postgres://…`
    Postgres(String),
}

impl Location {
    /// `url` when it is there, else `tessera.db` in the data folder.
    pub fn choose(folder: &Path, url: Option<&str>) -> Self {
        match url {
            Some(url) if !url.trim().is_empty() => Self::Postgres(url.trim().to_owned()),
            _ => Self::Sqlite(folder.join(DATABASE_FILE)),
        }
    }

    /// Reads `sqlite:PATH`, a database file ending in `.db` or a data folder, or `postgres://…`.
    ///
    /// # Errors
    /// [`StoreError::Scheme`] for anything else.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let text = text.trim();
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        let path = text
            .strip_prefix("sqlite://")
            .or_else(|| text.strip_prefix("sqlite:"))
            .filter(|path| !path.is_empty())
            .map(Path::new)
            .ok_or_else(|| StoreError::Scheme {
                text: place_of_url(text),
            })?;
        let is_file = path.extension().is_some_and(|extension| extension == "db") && !path.is_dir();
        Ok(Self::Sqlite(if is_file {
            path.to_owned()
        } else {
            path.join(DATABASE_FILE)
        }))
    }

    /// What people call it: the file, or the server's address without who signs in there and how.
    pub fn place(&self) -> String {
        match self {
            Self::Sqlite(file) => format!("`{}`", file.display()),
            Self::Postgres(url) => format!("`{}`", place_of_url(url)),
        }
    }

    /// The same wherever it is named from, and with the schema: what tells one place from another.
    pub(super) fn identity(&self) -> String {
        match self {
            Self::Sqlite(file) => {
                let whole = |path: &Path| path.canonicalize().ok();
                let in_folder = || Some(whole(file.parent()?)?.join(file.file_name()?));
                let path = whole(file).or_else(in_folder);
                path.unwrap_or_else(|| file.clone()).display().to_string()
            }
            Self::Postgres(url) => {
                let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
                let places = ["host=", "port=", "dbname=", "options="];
                let mut named: Vec<&str> = parameters
                    .split('&')
                    .filter(|parameter| places.iter().any(|place| parameter.starts_with(place)))
                    .collect();
                named.sort_unstable();
                let place = place_of_url(url);
                if named.is_empty() {
                    place
                } else {
                    format!("{place}?{}", named.join("&"))
                }
            }
        }
    }

    /// The data folder of a file.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(file) => file.parent(),
            Self::Postgres(_) => None,
        }
    }
}

/// A URL without user, password and parameters.
fn place_of_url(url: &str) -> String {
    let url = url.split('?').next().unwrap_or_default();
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_same_however_it_is_spelled_and_another_in_another_schema() {
        let folder = std::env::temp_dir();
        let identity = |text: &str| Location::parse(text).expect("a place").identity();
        let plain = format!("sqlite:{}", folder.display());
        let winding = format!("sqlite:{}/./tessera.db", folder.display());
        assert_eq!(identity(&plain), identity(&winding));
        let server = "postgres://me:secret@host/chain";
        assert_eq!(identity(server), "postgres://host/chain");
        let schema = |name: &str| {
            identity(&format!(
                "{server}?options=-csearch_path%3D{name}&sslmode=require"
            ))
        };
        assert_ne!(schema("one"), schema("two"));
        assert!(!schema("one").contains("sslmode") && !schema("one").contains("secret"));
    }
}
