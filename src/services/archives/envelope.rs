//! The envelope: the age format (age-encryption.org/v1), with a passphrase or an X25519 recipient. It knows nothing of what is inside.

use std::io::{BufRead, Write};
use std::sync::{Mutex, PoisonError};

use age::secrecy::SecretString;
use age::stream::{StreamReader, StreamWriter};
use age::{DecryptError, Decryptor, Encryptor, Identity, Recipient, scrypt, x25519};

use super::refusal;
use crate::services::error::Error;
use crate::types::Invalid;
use crate::types::secret::Secret;

/// Shortest passphrase of a new archive, in characters.
pub const PASSPHRASE_LENGTH_MIN: usize = 12;
/// Work of scrypt when an archive is written: 2^17 steps take 128 MiB and about half a second.
const WORK_FACTOR: u8 = 17;
/// Most work of scrypt accepted when one is read: 2^18 steps take 256 MiB. The `age` program writes 18.
const WORK_FACTOR_MAX: u8 = 18;
/// Most identities tried of one file.
const IDENTITIES_MAX: usize = 100;

/// Passphrases are stretched one at a time, whoever asks: each takes a core and much memory.
static STRETCHING: Mutex<()> = Mutex::new(());

/// What closes an archive.
#[derive(Clone, Debug)]
pub enum Lock {
    /// A passphrase.
    Passphrase(Secret),
    /// A public key, `age1…`.
    Recipient(String),
}

impl Lock {
    /// A passphrase.
    ///
    /// # Errors
    /// `Invalid` when it is too short.
    pub fn passphrase(raw: String) -> Result<Self, Invalid> {
        if raw.chars().count() < PASSPHRASE_LENGTH_MIN {
            let told = format!("has at least {PASSPHRASE_LENGTH_MIN} characters: whoever has the file may try passphrases without end");
            return Err(Invalid::new("passphrase", told));
        }
        Ok(Self::Passphrase(Secret::parse("passphrase", raw)?))
    }

    /// A public key of age.
    ///
    /// # Errors
    /// `Invalid` when it is none.
    pub fn recipient(raw: &str) -> Result<Self, Invalid> {
        let parsed = raw.trim().parse::<x25519::Recipient>();
        let told = "is not a public key of age: give what `age-keygen` prints after «Public key:», age1…";
        parsed.map(|key| Self::Recipient(key.to_string())).map_err(|_| Invalid::new("recipient", told))
    }

    /// Encrypts what is written from here on. Takes a core for a while with a passphrase.
    pub fn close<W: Write>(&self, out: W) -> Result<StreamWriter<W>, Error> {
        let encryptor = match self {
            Self::Passphrase(passphrase) => {
                let _turn = STRETCHING.lock().unwrap_or_else(PoisonError::into_inner);
                // The one place that may see it.
                let mut recipient = scrypt::Recipient::new(SecretString::from(passphrase.expose().to_owned()));
                recipient.set_work_factor(WORK_FACTOR);
                Encryptor::with_recipients(std::iter::once(&recipient as &dyn Recipient))
            }
            Self::Recipient(key) => {
                let told = |_| Error::Internal("a recipient does not parse, though it was parsed when it came".to_owned());
                let recipient: x25519::Recipient = key.parse().map_err(told)?;
                Encryptor::with_recipients(std::iter::once(&recipient as &dyn Recipient))
            }
        };
        let encryptor = encryptor.map_err(|e| Error::Internal(format!("one recipient was refused: {e}")))?;
        encryptor.wrap_output(out).map_err(|e| Error::Outside(format!("the archive cannot be written: {e}")))
    }
}

/// What opens an archive.
#[derive(Clone, Debug)]
pub enum Key {
    /// A passphrase.
    Passphrase(Secret),
    /// Private keys, `AGE-SECRET-KEY-1…`.
    Identities(Vec<Secret>),
}

impl Key {
    /// A passphrase.
    ///
    /// # Errors
    /// `Invalid` when it is empty.
    pub fn passphrase(raw: String) -> Result<Self, Invalid> {
        Ok(Self::Passphrase(Secret::parse("passphrase", raw)?))
    }

    /// The private keys of a file of `age-keygen`; lines that begin with `#` are comments.
    ///
    /// # Errors
    /// `Invalid` when there is none, or a line is no key.
    pub fn identities(text: &str) -> Result<Self, Invalid> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let wrong = || Invalid::new("identity", "holds no private key of age: give the file that `age-keygen` made");
        let keys = lines.take(IDENTITIES_MAX).map(|line| {
            line.parse::<x25519::Identity>().map_err(|_| wrong())?;
            Secret::parse("identity", line.to_owned())
        });
        let keys = keys.collect::<Result<Vec<_>, Invalid>>()?;
        if keys.is_empty() { Err(wrong()) } else { Ok(Self::Identities(keys)) }
    }

    /// Decrypts what is read from here on. Takes a core for a while with a passphrase.
    pub fn open<R: BufRead>(&self, input: R) -> Result<StreamReader<R>, Error> {
        let decryptor = Decryptor::new_buffered(input).map_err(|e| refused(&e))?;
        let by_passphrase = decryptor.is_scrypt();
        match self {
            Self::Passphrase(_) if !by_passphrase => {
                Err(refusal::wrong_key("this archive was closed with a public key: give the file of its private key (--identity-file)"))
            }
            Self::Identities(_) if by_passphrase => {
                Err(refusal::wrong_key("this archive was closed with a passphrase: give the passphrase, and no private key"))
            }
            Self::Passphrase(passphrase) => {
                let _turn = STRETCHING.lock().unwrap_or_else(PoisonError::into_inner);
                let mut identity = scrypt::Identity::new(SecretString::from(passphrase.expose().to_owned()));
                identity.set_max_work_factor(WORK_FACTOR_MAX);
                decryptor.decrypt(std::iter::once(&identity as &dyn Identity)).map_err(|e| refused(&e))
            }
            Self::Identities(keys) => {
                let parsed: Vec<x25519::Identity> = keys.iter().filter_map(|key| key.expose().parse().ok()).collect();
                decryptor.decrypt(parsed.iter().map(|key| key as &dyn Identity)).map_err(|e| refused(&e))
            }
        }
    }
}

fn refused(error: &DecryptError) -> Error {
    match error {
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed | DecryptError::NoMatchingKeys => {
            refusal::wrong_key("this archive does not open: another passphrase or private key closed it, or its first bytes are damaged")
        }
        DecryptError::ExcessiveWork { required, .. } => refusal::too_much(format!(
            "this archive asks for 2^{required} steps before it opens, and at most 2^{WORK_FACTOR_MAX} are taken: encrypt it again with age"
        )),
        DecryptError::Io(source) if source.kind() == std::io::ErrorKind::UnexpectedEof => refusal::damaged("it ends too early"),
        DecryptError::UnknownFormat | DecryptError::InvalidHeader | DecryptError::Io(_) => refusal::foreign(),
        _ => refusal::damaged("its first bytes are not those that were written"),
    }
}
