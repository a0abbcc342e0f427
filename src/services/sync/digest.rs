//! Texts as 128 bits: what a run remembers of every name it read, so that memory stays bounded. Looks nothing up.

use aws_lc_rs::digest::{Context, SHA256};

/// A text's digest: SHA-256, cut to 128 bits. Nobody who writes entries can make two of them meet.
pub type Digest = u128;

/// Sixteen bytes of a digest, as stores keep them.
pub type Hash = [u8; 16];

/// What a text names: equal texts of different kinds stay apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A source's immutable key.
    Key,
    /// A normalised DN.
    Dn,
    /// A folded user name.
    Username,
}

/// The digest of a text.
pub fn of(kind: Kind, text: &str) -> Digest {
    let mut digest = Context::new(&SHA256);
    digest.update(match kind {
        Kind::Key => b"k",
        Kind::Dn => b"d",
        Kind::Username => b"u",
    });
    digest.update(text.as_bytes());
    u128::from_be_bytes(cut(digest))
}

/// The digest of a group's direct members, given in order.
pub fn of_members<'a>(people: impl Iterator<Item = &'a [u8; 16]>, groups: impl Iterator<Item = &'a [u8; 16]>) -> Hash {
    let mut digest = Context::new(&SHA256);
    for id in people {
        digest.update(id);
    }
    digest.update(b"groups");
    for id in groups {
        digest.update(id);
    }
    cut(digest)
}

fn cut(digest: Context) -> Hash {
    let mut cut = [0; 16];
    cut.iter_mut().zip(digest.finish().as_ref()).for_each(|(to, from)| *to = *from);
    cut
}
