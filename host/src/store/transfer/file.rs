//! Rows in a file.
//!
//! ```text
//! "TESSERA\n"  format (4 bytes)  length (4)  header: JSON
//! then per page   1  table (2)  rows (4)  bytes (4)  packed bytes (4)  rows, compressed by LZ4
//! at the end      2  length (4)  rows and hash of every table: JSON
//!                 SHA-256 of all before  HMAC of that under the chain's key, or zeros
//! ```
//!
//! Numbers have their highest byte first. A file is read twice: once to see that it is whole and unchanged, and only
//! then to write what it holds.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::catalogue::Table;
use super::error::TransferError;
use super::rows::{Page, Sum};
use super::source::ChainMark;
use crate::domain::time::Day;

const MAGIC: &[u8; 8] = b"TESSERA\n";
/// The format this program writes, and the newest it reads.
const FORMAT: u32 = 1;
/// Longest header or end, bytes.
const MOST_TEXT: u32 = 16 << 20;
/// Longest page, bytes: one that is nearly full and one more row.
const MOST_PAGE: u32 = 256 << 20;
const PAGE: u8 = 1;
const END: u8 = 2;

/// What stands at the start of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// `backup` or `archive`.
    pub kind: String,
    pub chain: ChainMark,
    /// Version of the tables.
    pub schema: i64,
    /// Microseconds.
    pub taken_at: i64,
    /// Name of the master key the file is signed with, if it is.
    pub key: Option<String>,
    /// The last entry of each writer: id, number, seal in hex.
    pub heads: Vec<(String, i64, String)>,
    pub tables: Vec<Table>,
    /// Of an archive: it holds everything before this business day. Files of older programs do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Day>,
}

/// What a file is signed with.
#[derive(Clone)]
pub struct Key {
    /// Tells the chain's master key from others.
    pub name: String,
    pub secret: [u8; 32],
}

impl Key {
    fn sign(&self, digest: &[u8; 32]) -> Hmac<Sha256> {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&self.secret)
            .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        mac.update(digest);
        mac
    }
}

/// Rows and hash of one table, as they stand at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TableSum {
    pub rows: u64,
    pub digest: String,
}

impl From<&Sum> for TableSum {
    fn from(sum: &Sum) -> Self {
        Self {
            rows: sum.rows,
            digest: hex::encode(sum.digest()),
        }
    }
}

/// A file that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    pub header: Header,
    /// In the order of the header's tables.
    pub(super) sums: Vec<TableSum>,
    /// Hash of the whole, in hex.
    pub digest: String,
    /// True if the chain's key vouches for it.
    pub is_authentic: bool,
}

impl Examined {
    /// How many rows it holds.
    pub fn rows(&self) -> u64 {
        self.sums.iter().map(|sum| sum.rows).sum()
    }
}

/// A file being written; it has its name only once it is whole.
pub(super) struct Writing {
    path: PathBuf,
    part: PathBuf,
    file: BufWriter<File>,
    hash: Sha256,
    sums: Vec<Sum>,
}

impl Writing {
    pub(super) fn begin(path: &Path, header: &Header) -> Result<Self, TransferError> {
        if path.exists() {
            return Err(TransferError::FileExists {
                path: path.to_owned(),
            });
        }
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        // It holds a whole chain, persons too, though those are sealed.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&part).map_err(failed(&part))?;
        let mut writing = Self {
            path: path.to_owned(),
            part,
            file: BufWriter::with_capacity(1 << 20, file),
            hash: Sha256::new(),
            sums: vec![Sum::default(); header.tables.len()],
        };
        let text = json(header, path)?;
        writing.put(MAGIC)?;
        writing.put(&FORMAT.to_be_bytes())?;
        writing.put(&length(text.len(), path)?)?;
        writing.put(&text)?;
        Ok(writing)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), TransferError> {
        self.hash.update(bytes);
        self.file.write_all(bytes).map_err(failed(&self.part))
    }

    pub(super) fn page(&mut self, table: usize, page: &Page) -> Result<(), TransferError> {
        let packed = lz4_flex::block::compress(&page.bytes);
        let number = u16::try_from(table).map_err(|_| too_long(&self.path))?;
        let rows = u32::try_from(page.rows).map_err(|_| too_long(&self.path))?;
        let (bytes, packed_bytes) = (
            length(page.bytes.len(), &self.path)?,
            length(packed.len(), &self.path)?,
        );
        self.put(&[PAGE])?;
        self.put(&number.to_be_bytes())?;
        self.put(&rows.to_be_bytes())?;
        self.put(&bytes)?;
        self.put(&packed_bytes)?;
        self.put(&packed)?;
        if let Some(sum) = self.sums.get_mut(table) {
            sum.add(page);
        }
        Ok(())
    }

    /// Ends the file and gives it its name. Answers its bytes.
    pub(super) fn end(mut self, key: Option<&Key>) -> Result<u64, TransferError> {
        let sums: Vec<TableSum> = self.sums.iter().map(TableSum::from).collect();
        let text = json(&sums, &self.path)?;
        self.put(&[END])?;
        self.put(&length(text.len(), &self.path)?)?;
        self.put(&text)?;
        let digest: [u8; 32] = self.hash.clone().finalize().into();
        let signature: [u8; 32] = match key {
            Some(key) => key.sign(&digest).finalize().into_bytes().into(),
            None => [0; 32],
        };
        self.put(&digest)?;
        self.put(&signature)?;
        let file = self
            .file
            .into_inner()
            .map_err(|error| failed(&self.part)(error.into_error()))?;
        file.sync_all().map_err(failed(&self.part))?;
        let bytes = file.metadata().map_err(failed(&self.part))?.len();
        std::fs::rename(&self.part, &self.path).map_err(failed(&self.path))?;
        // The name is as durable as the bytes.
        let folder = self.path.parent().filter(|f| !f.as_os_str().is_empty());
        let folder = File::open(folder.unwrap_or(Path::new("."))).map_err(failed(&self.path))?;
        folder.sync_all().map_err(failed(&self.path))?;
        Ok(bytes)
    }
}

/// A file being read.
pub(super) struct Reading {
    bytes: Bytes,
    pub header: Header,
}

/// The bytes of a file, hashed as they go by.
struct Bytes {
    path: PathBuf,
    file: BufReader<File>,
    hash: Sha256,
}

/// What comes next in a file.
pub(super) enum Next {
    /// Some rows of the table at this place of the header's list.
    Page(usize, Page),
    End(Vec<TableSum>),
}

impl Bytes {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], TransferError> {
        let mut bytes = [0; N];
        self.file
            .read_exact(&mut bytes)
            .map_err(|error| self.broken(&error))?;
        self.hash.update(bytes);
        Ok(bytes)
    }

    fn take_long(&mut self, length: u32, most: u32) -> Result<Vec<u8>, TransferError> {
        if length > most {
            return Err(self.damaged("it claims a part longer than there are"));
        }
        let mut bytes = Vec::new();
        // Only what is there is ever held, whatever length is claimed.
        let taken = self
            .file
            .by_ref()
            .take(u64::from(length))
            .read_to_end(&mut bytes)
            .map_err(|error| self.broken(&error))?;
        if u32::try_from(taken) != Ok(length) {
            return Err(self.damaged("it ends too soon"));
        }
        self.hash.update(&bytes);
        Ok(bytes)
    }

    fn number(&mut self) -> Result<u32, TransferError> {
        Ok(u32::from_be_bytes(self.take()?))
    }

    fn text<T: serde::de::DeserializeOwned>(&mut self, what: &str) -> Result<T, TransferError> {
        let length = self.number()?;
        let text = self.take_long(length, MOST_TEXT)?;
        serde_json::from_slice(&text)
            .map_err(|error| self.damaged(&format!("{what} is not readable: {error}")))
    }

    fn broken(&self, error: &std::io::Error) -> TransferError {
        if error.kind() == std::io::ErrorKind::UnexpectedEof {
            self.damaged("it ends too soon")
        } else {
            self.damaged(&error.to_string())
        }
    }

    fn damaged(&self, what: &str) -> TransferError {
        TransferError::Damaged {
            path: self.path.clone(),
            what: what.to_owned(),
        }
    }
}

impl Reading {
    pub(super) fn begin(path: &Path) -> Result<Self, TransferError> {
        let mut bytes = Bytes {
            path: path.to_owned(),
            file: BufReader::with_capacity(1 << 20, File::open(path).map_err(failed(path))?),
            hash: Sha256::new(),
        };
        let foreign = |_| TransferError::Foreign {
            path: path.to_owned(),
        };
        let magic: [u8; MAGIC.len()] = bytes.take().map_err(foreign)?;
        if magic != *MAGIC {
            return Err(TransferError::Foreign {
                path: path.to_owned(),
            });
        }
        let found = bytes.number()?;
        if found > FORMAT {
            return Err(TransferError::NewerFormat {
                path: path.to_owned(),
                found,
                known: FORMAT,
            });
        }
        let header = bytes.text("its header")?;
        Ok(Self { bytes, header })
    }

    pub(super) fn next(&mut self) -> Result<Next, TransferError> {
        match self.bytes.take()? {
            [PAGE] => {
                let table = usize::from(u16::from_be_bytes(self.bytes.take()?));
                let rows = u64::from(self.bytes.number()?);
                let (length, packed) = (self.bytes.number()?, self.bytes.number()?);
                if table >= self.header.tables.len() || length > MOST_PAGE {
                    return Err(self.bytes.damaged("a page is not one of its tables'"));
                }
                let packed = self.bytes.take_long(packed, MOST_PAGE)?;
                // LZ4 makes a byte of at most 255; anything beyond is a lie about the length.
                if u64::from(length) > (packed.len() as u64).saturating_mul(255) {
                    return Err(self.bytes.damaged("a page claims more than it holds"));
                }
                let bytes = lz4_flex::block::decompress(&packed, length as usize)
                    .map_err(|error| self.bytes.damaged(&error.to_string()))?;
                let last = Vec::new();
                Ok(Next::Page(table, Page { rows, bytes, last }))
            }
            [END] => Ok(Next::End(self.bytes.text("its end")?)),
            _ => Err(self.bytes.damaged("a part of it is none that there is")),
        }
    }

    /// Compares what was read with what the file says of itself.
    fn check_end(
        mut self,
        key: Option<&Key>,
        read: &[Sum],
        sums: Vec<TableSum>,
    ) -> Result<Examined, TransferError> {
        let digest: [u8; 32] = self.bytes.hash.clone().finalize().into();
        let (stored, signature): ([u8; 32], [u8; 32]) = (self.bytes.take()?, self.bytes.take()?);
        let is_end = self.bytes.file.read(&mut [0]).is_ok_and(|more| more == 0);
        let read: Vec<TableSum> = read.iter().map(TableSum::from).collect();
        if stored != digest || read != sums || !is_end {
            return Err(self.bytes.damaged("its contents are not what was written"));
        }
        let is_authentic = match (&self.header.key, key) {
            (Some(made_with), Some(key)) if *made_with == key.name => {
                let known = key.sign(&digest).verify_slice(&signature);
                known.map_err(|_| TransferError::Forged {
                    path: self.bytes.path.clone(),
                })?;
                true
            }
            (Some(made_with), Some(key)) => {
                return Err(TransferError::OtherKey {
                    path: self.bytes.path,
                    made_with: made_with.clone(),
                    have: key.name.clone(),
                });
            }
            _ => false,
        };
        Ok(Examined {
            header: self.header,
            sums,
            digest: hex::encode(digest),
            is_authentic,
        })
    }
}

/// Reads a whole file without writing anything anywhere.
///
/// # Errors
/// When it is no file of this program, of another kind than `wanted`, of a newer format, cut off or changed. `key`
/// shows whether someone without the chain's master key changed it.
pub fn examine(
    path: &Path,
    wanted: &'static str,
    key: Option<&Key>,
) -> Result<Examined, TransferError> {
    let mut file = Reading::begin(path)?;
    let mut sums = vec![Sum::default(); file.header.tables.len()];
    let ends = loop {
        match file.next()? {
            Next::Page(table, page) => {
                if let Some(sum) = sums.get_mut(table) {
                    sum.add(&page);
                }
            }
            Next::End(ends) => break ends,
        }
    };
    let examined = file.check_end(key, &sums, ends)?;
    if examined.header.kind != wanted {
        return Err(TransferError::OtherKind {
            path: path.to_owned(),
            found: examined.header.kind,
            wanted,
        });
    }
    Ok(examined)
}

fn json<T: Serialize>(value: &T, path: &Path) -> Result<Vec<u8>, TransferError> {
    serde_json::to_vec(value).map_err(|error| failed(path)(error.into()))
}

fn length(bytes: usize, path: &Path) -> Result<[u8; 4], TransferError> {
    u32::try_from(bytes)
        .ok()
        .filter(|bytes| *bytes <= MOST_PAGE)
        .map(u32::to_be_bytes)
        .ok_or_else(|| too_long(path))
}

fn too_long(path: &Path) -> TransferError {
    failed(path)(std::io::Error::other("a part of it would be too long"))
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> TransferError {
    let path = path.to_owned();
    move |source| TransferError::File { path, source }
}
