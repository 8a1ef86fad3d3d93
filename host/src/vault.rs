//! Personal data at rest: each person under a key of their own, those keys under one master key.
//!
//! The master key is a file of 32 bytes in the data folder, readable by its owner only and backed up apart
//! from the database. Destroying a person's row destroys their key, so copies of the data in old backups
//! of the database alone cannot be read once the master key has been changed.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::person::{Calendar, Person};

/// File name of the master key within the data folder.
pub const MASTER_KEY_FILE: &str = "master.key";
const NONCE_BYTES: usize = 12;

/// A person as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    pub key: Vec<u8>,
    pub data: Vec<u8>,
    /// Which master key sealed it.
    pub master: String,
}

/// Why personal data could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error(
        "cannot read or make the master key `{path}`: {source}; check the data folder's permissions"
    )]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the master key `{path}` is not 32 bytes; restore it from its backup")]
    Length { path: PathBuf },
    #[error("the master key `{path}` can be read by others; run chmod 600 on it")]
    Open { path: PathBuf },
    #[error("the system gives no random bytes: {0}; check the machine")]
    Random(String),
    #[error("personal data does not open with this master key; restore the key that sealed it")]
    Sealed,
}

/// The holder of the master key.
#[derive(Clone)]
pub struct Vault {
    master: [u8; 32],
    name: String,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Vault")
            .field("master", &self.name)
            .finish_non_exhaustive()
    }
}

impl Vault {
    /// Reads the master key of a data folder, making it on first use.
    ///
    /// # Errors
    /// When the file cannot be read or made, has the wrong length, or others may read it.
    pub fn open(folder: &Path) -> Result<Self, VaultError> {
        let path = folder.join(MASTER_KEY_FILE);
        let failed = |source| VaultError::File {
            path: path.clone(),
            source,
        };
        if !path.try_exists().map_err(failed)? {
            create(&path)?;
        }
        check_mode(&path)?;
        let mut bytes = Vec::new();
        let file = std::fs::File::open(&path).map_err(failed)?;
        file.take(64).read_to_end(&mut bytes).map_err(failed)?;
        let master = <[u8; 32]>::try_from(bytes).map_err(|_| VaultError::Length { path })?;
        Ok(Self::with_key(master))
    }

    /// A vault around a given key.
    pub fn with_key(master: [u8; 32]) -> Self {
        let name = hex::encode(&Sha256::digest(master)[..4]);
        Self { master, name }
    }

    /// Seals a person under a fresh key of their own.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn seal(&self, member: &str, person: &Person) -> Result<Sealed, VaultError> {
        let key = encrypt(&self.master, member, &random::<32>()?)?;
        self.seal_under(member, key, person)
    }

    /// Seals a person under the key he has already, so that what else is sealed under it still opens.
    ///
    /// # Errors
    /// When another master key sealed the key, or the system gives no random bytes.
    pub fn seal_under(
        &self,
        member: &str,
        key: Vec<u8>,
        person: &Person,
    ) -> Result<Sealed, VaultError> {
        let text = serde_json::to_vec(person).map_err(|_| VaultError::Sealed)?;
        Ok(Sealed {
            data: encrypt(&self.own_key(member, &key)?, member, &text)?,
            key,
            master: self.name.clone(),
        })
    }

    /// Seals a note about a person under his key; it dies with him.
    ///
    /// # Errors
    /// As [`Self::seal_under`].
    pub fn seal_note(&self, member: &str, key: &[u8], note: &[u8]) -> Result<Vec<u8>, VaultError> {
        encrypt(&self.own_key(member, key)?, &about(member), note)
    }

    /// Opens a note about a person.
    ///
    /// # Errors
    /// As [`Self::open_person`].
    pub fn open_note(&self, member: &str, key: &[u8], note: &[u8]) -> Result<Vec<u8>, VaultError> {
        decrypt(&self.own_key(member, key)?, &about(member), note)
    }

    fn own_key(&self, member: &str, sealed: &[u8]) -> Result<[u8; 32], VaultError> {
        let key = decrypt(&self.master, member, sealed)?;
        <[u8; 32]>::try_from(key).map_err(|_| VaultError::Sealed)
    }

    /// Opens a person.
    ///
    /// # Errors
    /// When another master key sealed it or the data was altered.
    pub fn open_person(&self, member: &str, key: &[u8], data: &[u8]) -> Result<Person, VaultError> {
        let key = self.own_key(member, key)?;
        serde_json::from_slice(&decrypt(&key, member, data)?).map_err(|_| VaultError::Sealed)
    }

    /// The keyed hash a phone number is looked up by.
    pub fn phone_hash(&self, phone: &str) -> String {
        hex::encode(self.derive("phone", phone))
    }

    /// The keyed hash an e-mail address is looked up by, whatever its case.
    pub fn email_hash(&self, email: &str) -> String {
        hex::encode(self.derive("email", &email.to_lowercase()))
    }

    /// What birthdays on a day of the year are found by: two characters, which other days share, so that nobody's
    /// birthday is told by it even where another's is known.
    pub fn birthday_mark(&self, calendar: Calendar, month: u32, day: u32) -> String {
        let purpose = match calendar {
            Calendar::Solar => "birthday",
            Calendar::Lunar => "lunar-birthday",
        };
        let hash = self.derive(purpose, &format!("{month:02}-{day:02}"));
        hex::encode(&hash[..1])
    }

    /// The birthday mark of a person; empty where no birthday is known.
    pub fn mark_of(&self, person: &Person) -> String {
        person.birthday.map_or_else(String::new, |birthday| {
            let (month, day) = (birthday.month.into(), birthday.day.into());
            self.birthday_mark(birthday.calendar, month, day)
        })
    }

    /// What tells this master key from others, without telling the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// 32 bytes only the holder of the master key can make from a text, another for each purpose.
    pub fn derive(&self, purpose: &str, text: &str) -> [u8; 32] {
        mac(&self.master, &[purpose.as_bytes(), &[0], text.as_bytes()])
    }
}

/// HMAC-SHA256 of the parts one after another.
pub fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key)
        .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// Fresh random bytes from the system.
///
/// # Errors
/// When it gives none.
pub fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| VaultError::Random(error.to_string()))?;
    Ok(bytes)
}

fn create(path: &Path) -> Result<(), VaultError> {
    let failed = |source| VaultError::File {
        path: path.to_owned(),
        source,
    };
    let key: [u8; 32] = random()?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(failed)?;
    file.write_all(&key)
        .and_then(|()| file.sync_all())
        .map_err(failed)
}

#[cfg(unix)]
fn check_mode(path: &Path) -> Result<(), VaultError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::metadata(path).map_err(|source| VaultError::File {
        path: path.to_owned(),
        source,
    })?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(VaultError::Open {
            path: path.to_owned(),
        });
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_mode(_: &Path) -> Result<(), VaultError> {
    Ok(())
}

/// What a note is bound to, so that it opens as nothing else.
fn about(member: &str) -> String {
    format!("{member}/note")
}

/// Nonce, then ciphertext with its tag; bound to the member, so rows cannot be swapped.
fn encrypt(key: &[u8; 32], member: &str, text: &[u8]) -> Result<Vec<u8>, VaultError> {
    let nonce: [u8; NONCE_BYTES] = random()?;
    let cipher = Aes256Gcm::new(key.into());
    let payload = Payload {
        msg: text,
        aad: member.as_bytes(),
    };
    let sealed = cipher
        .encrypt(&Nonce::from(nonce), payload)
        .map_err(|_| VaultError::Sealed)?;
    Ok([nonce.as_slice(), &sealed].concat())
}

fn decrypt(key: &[u8; 32], member: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
    let (nonce, text) = sealed
        .split_first_chunk::<NONCE_BYTES>()
        .ok_or(VaultError::Sealed)?;
    let payload = Payload {
        msg: text,
        aad: member.as_bytes(),
    };
    Aes256Gcm::new(key.into())
        .decrypt(&Nonce::from(*nonce), payload)
        .map_err(|_| VaultError::Sealed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_opens_only_for_their_own_member_and_master_key() {
        let vault = Vault::with_key([1; 32]);
        let person = Person {
            name: Some("王芳".into()),
            ..Person::default()
        };
        let sealed = vault.seal("m1", &person).unwrap();
        assert_eq!(
            vault.open_person("m1", &sealed.key, &sealed.data).unwrap(),
            person
        );
        assert!(vault.open_person("m2", &sealed.key, &sealed.data).is_err());
        let note = vault.seal_note("m1", &sealed.key, b"moved").unwrap();
        assert_eq!(vault.open_note("m1", &sealed.key, &note).unwrap(), b"moved");
        assert!(vault.open_person("m1", &sealed.key, &note).is_err());
        assert!(
            Vault::with_key([2; 32])
                .open_person("m1", &sealed.key, &sealed.data)
                .is_err()
        );
    }

    #[test]
    fn the_master_key_is_made_once_and_must_be_private() {
        let folder = std::env::temp_dir().join(format!("tessera-vault-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&folder).unwrap();
        let first = Vault::open(&folder).unwrap();
        assert_eq!(
            Vault::open(&folder).unwrap().phone_hash("138"),
            first.phone_hash("138")
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let path = folder.join(MASTER_KEY_FILE);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            assert!(matches!(Vault::open(&folder), Err(VaultError::Open { .. })));
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
