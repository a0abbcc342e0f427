//! Why an archive is refused, each reason in words of its own. Nothing has been written when one of these is told.

use crate::services::error::Error;

/// It opens with another passphrase or key.
pub fn wrong_key(detail: impl Into<String>) -> Error {
    Error::Archive { reason: "archive-key", detail: detail.into() }
}

/// It is not an archive of ours.
pub fn foreign() -> Error {
    let detail = "this file is not an archive of Passerelle: give a file that `passerelle establishment export` made".to_owned();
    Error::Archive { reason: "archive-foreign", detail }
}

/// It is, and parts of it are wrong or missing.
pub fn damaged(what: impl AsRef<str>) -> Error {
    let detail = format!("this archive is damaged or cut short: {}; take another copy of it. Nothing was written", what.as_ref());
    Error::Archive { reason: "archive-damaged", detail }
}

/// A newer program wrote it.
pub fn newer(program: &str) -> Error {
    let own = env!("CARGO_PKG_VERSION");
    let detail = format!("this archive was written by a newer version ({program}; this is {own}): upgrade this program first");
    Error::Archive { reason: "archive-newer", detail }
}

/// It asks for more work than an archive of ours.
pub fn too_much(detail: impl Into<String>) -> Error {
    Error::Archive { reason: "archive-excessive", detail: detail.into() }
}

/// What it holds may not stand where it is to be put.
pub fn unfit(detail: impl Into<String>) -> Error {
    Error::Archive { reason: "archive-unfit", detail: detail.into() }
}

/// What an error of reading means: the file itself, or the bytes in it.
pub fn reading(error: &std::io::Error) -> Error {
    use std::io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    match error.kind() {
        UnexpectedEof => damaged("it ends too early"),
        InvalidData | InvalidInput | Other => damaged("its bytes are not those that were written"),
        _ => Error::Outside(format!("the archive cannot be read: {error}")),
    }
}
