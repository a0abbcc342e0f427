//! What changed in a directory since a bookmark, by the best its server offers. The one door to this folder.

use std::time::Duration;

use super::Directory;
use crate::changes::{Bookmark, Changes, Following};
use crate::fingerprint::Fingerprint;
use crate::record::Kind;

/// Streams what changed, by the method that made the bookmark.
pub(super) fn start(_directory: &Directory, _since: &Bookmark, _deadline: Duration) -> Option<Changes> {
    None
}

/// Listens, when the server announces changes.
pub(super) fn follow(_directory: &Directory, _since: &Bookmark) -> Option<Following> {
    None
}

/// What a bookmark has to have been made with.
pub(super) fn belongs_to(directory: &Directory) -> String {
    let settings = directory.settings();
    let mut digest = Fingerprint::new("belongs_to");
    for url in &settings.urls {
        digest.text(&format!("{}:{}", url.host, url.port));
    }
    digest.maybe(settings.bind_dn.as_deref());
    for kind in [Kind::Person, Kind::Group] {
        for query in directory.queries(kind) {
            digest.text(query.base);
            digest.text(&format!("{:?}", query.scope));
            digest.text(query.filter);
            digest.list(query.names);
        }
    }
    // What is made of unchanged entries changes with these.
    digest.text(&format!("{:?} {:?}", settings.mapping, settings.account_state));
    format!("{:032x}", digest.value())
}
