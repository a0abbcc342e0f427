//! One search with the synchronisation control, heard message by message. What a message means is `gather`'s business.

use ldap3::{LdapResult, SearchStream};
use tokio::time::timeout;

use super::wire::{self, Mode};
use crate::ldap::connection::Connection;
use crate::ldap::entry;
use crate::ldap::error::Cause;
use crate::ldap::guard::Chunk;
use crate::ldap::search::Query;

/// A search at work.
pub(super) struct Session {
    stream: SearchStream<'static, String, Vec<String>>,
    ended: bool,
    references_expected: bool,
}

/// What comes next.
pub(super) enum Heard {
    /// Entries, and what is said between them.
    Chunk(Chunk),
    /// The search ended.
    End(LdapResult),
}

impl Session {
    /// Asks.
    pub(super) async fn start(connection: &mut Connection, query: &Query<'_>, mode: Mode, cookie: Option<&str>) -> Result<Self, Cause> {
        let within = query.limits.stall;
        connection.ldap.with_controls(vec![wire::request(mode, cookie)]);
        let started = connection.ldap.streaming_search(query.base, query.scope, query.filter, query.names.to_vec());
        let stream = timeout(within, started).await.map_err(|_| Cause::Silent { what: "take the search", within })?;
        let stream = stream.map_err(|error| connection.cause(&error, 0))?;
        Ok(Self { stream, ended: false, references_expected: query.references_expected })
    }

    /// Waits for what comes next, as long as it takes; may be dropped while it waits, and loses nothing then.
    pub(super) async fn next(&mut self, connection: &mut Connection, read: usize) -> Result<Heard, Cause> {
        while !self.ended {
            let item = tokio::select! {
                biased;
                Some(chunk) = connection.entries.recv() => {
                    connection.heard();
                    return Ok(Heard::Chunk(chunk));
                }
                item = self.stream.next() => item,
            };
            match item {
                Ok(Some(item)) if item.is_ref() && !self.references_expected => {
                    return Err(Cause::Referral(entry::reference(&item.0).unwrap_or_default()));
                }
                Ok(Some(_)) => {}
                Ok(None) => self.ended = true,
                Err(error) => return Err(connection.cause(&error, read)),
            }
            connection.heard();
        }
        // The guard hands entries over before the end of their search: what is left of them waits here.
        match connection.entries.try_recv() {
            Ok(chunk) => Ok(Heard::Chunk(chunk)),
            Err(_) => Ok(Heard::End(self.stream.finish().await)),
        }
    }
}
