//! The host's own settings, read from a TOML file and validated once at start.
//!
//! `config/tessera.toml` is the commented default; a test keeps it equal to [`Config::default`].

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::store::db::MOST_LANES;

/// Everything the process needs to know before it opens its database.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address to listen on; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The folder this process owns.
    pub data: PathBuf,
    /// A PostgreSQL URL; the embedded database when absent.
    pub database: Option<String>,
    pub limits: Limits,
    pub sandbox: Sandbox,
    pub writer: WriterLimits,
    /// The folder whose files declare the chain, watched while serving; given as `--config DIR`.
    #[serde(skip)]
    pub watch: Option<PathBuf>,
}

/// Bounds of what a client may ask.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes.
    pub body_bytes: usize,
    pub request_seconds: u64,
    pub quotes: usize,
    pub bindings_per_store: usize,
    /// How long the host that runs the jobs may be silent before another takes over.
    pub lease_seconds: u64,
}

/// Bounds of one evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sandbox {
    /// Wasm instructions as the engine counts them.
    pub fuel: u64,
    /// Bytes.
    pub memory_bytes: usize,
    /// Milliseconds.
    pub deadline_ms: u64,
    /// Bytes.
    pub plugin_bytes: usize,
}

/// Bounds of the queue in front of the writer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WriterLimits {
    pub queue: usize,
    pub batch: usize,
    pub lanes: usize,
}

/// Why a configuration file was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration `{path}`: {source}; give a readable file with --config")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the configuration `{path}` is not valid: {message}")]
    Parse { path: PathBuf, message: String },
    #[error("the configuration key `{key}` is {value}: {remedy}")]
    OutOfRange {
        key: &'static str,
        value: u64,
        remedy: &'static str,
    },
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7070)),
            data: PathBuf::from("tessera-data"),
            database: None,
            limits: Limits::default(),
            sandbox: Sandbox::default(),
            writer: WriterLimits::default(),
            watch: None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            request_seconds: 30,
            quotes: 20_000,
            bindings_per_store: 256,
            lease_seconds: 60,
        }
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self {
            fuel: 20_000_000,
            memory_bytes: 16 << 20,
            deadline_ms: 250,
            plugin_bytes: 8 << 20,
        }
    }
}

impl Default for WriterLimits {
    fn default() -> Self {
        Self {
            queue: 4096,
            batch: 256,
            lanes: 2,
        }
    }
}

impl Config {
    /// Reads what `--config` names: the host's own settings, or a folder to watch, which may hold them as
    /// `tessera.toml`.
    pub fn given(path: &Path) -> Result<Self, ConfigError> {
        if !path.is_dir() {
            return Self::read(path);
        }
        let own = path.join(crate::declaration::watch::OWN_SETTINGS);
        let settings = if own.exists() {
            Self::read(&own)?
        } else {
            Self::default()
        };
        Ok(Self {
            watch: Some(path.to_owned()),
            ..settings
        })
    }

    /// Reads and validates a file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let config: Self = toml::from_str(&text).map_err(|error| ConfigError::Parse {
            path: path.to_owned(),
            message: error.to_string(),
        })?;
        config.validate()?;
        Ok(config)
    }

    fn validate(&self) -> Result<(), ConfigError> {
        let at_least = |key, value: u64, least: u64, remedy| {
            if value < least {
                Err(ConfigError::OutOfRange { key, value, remedy })
            } else {
                Ok(())
            }
        };
        at_least(
            "limits.body_bytes",
            self.limits.body_bytes as u64,
            65_536,
            "at least 65536",
        )?;
        at_least(
            "limits.request_seconds",
            self.limits.request_seconds,
            1,
            "at least 1",
        )?;
        at_least("limits.quotes", self.limits.quotes as u64, 1, "at least 1")?;
        at_least(
            "limits.bindings_per_store",
            self.limits.bindings_per_store as u64,
            1,
            "at least 1",
        )?;
        at_least(
            "limits.lease_seconds",
            self.limits.lease_seconds,
            1,
            "at least 1",
        )?;
        at_least(
            "sandbox.fuel",
            self.sandbox.fuel,
            100_000,
            "at least 100000",
        )?;
        at_least(
            "sandbox.memory_bytes",
            self.sandbox.memory_bytes as u64,
            1 << 20,
            "at least 1048576",
        )?;
        at_least(
            "sandbox.deadline_ms",
            self.sandbox.deadline_ms,
            1,
            "at least 1",
        )?;
        at_least(
            "sandbox.plugin_bytes",
            self.sandbox.plugin_bytes as u64,
            1024,
            "at least 1024",
        )?;
        let writer = &self.writer;
        for (key, value, most, remedy) in [
            ("writer.queue", writer.queue, 1_000_000, "give 1 to 1000000"),
            ("writer.batch", writer.batch, 10_000, "give 1 to 10000"),
            ("writer.lanes", writer.lanes, MOST_LANES, "give 1 to 8"),
        ] {
            if !(1..=most).contains(&value) {
                return Err(ConfigError::OutOfRange {
                    key,
                    value: value as u64,
                    remedy,
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commented_default_file_says_what_the_code_does() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/tessera.toml");
        assert_eq!(
            Config::read(&path).expect("the default file is valid"),
            Config::default()
        );
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let error = toml::from_str::<Config>("listne = \"127.0.0.1:1\"").unwrap_err();
        assert!(error.to_string().contains("listne"), "{error}");
    }

    #[test]
    fn a_zero_limit_is_refused_with_its_key() {
        let mut config = Config::default();
        config.writer.batch = 0;
        assert!(
            config
                .validate()
                .unwrap_err()
                .to_string()
                .contains("writer.batch")
        );
    }

    #[test]
    fn more_lanes_than_a_writer_has_are_refused() {
        let mut config = Config::default();
        config.writer.lanes = MOST_LANES + 1;
        let said = config.validate().unwrap_err().to_string();
        assert!(
            said.contains("writer.lanes") && said.contains("1 to 8"),
            "{said}"
        );
    }
}
