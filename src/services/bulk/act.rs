//! What is done with each establishment: checked once for all of them, then carried out one by one. Each may be begun again after a node went away.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::letter::{self, NewLetter};
use crate::services::archives::{self, Lock};
use crate::services::context::{Context, PlatformContext};
use crate::services::error::Error;
use crate::services::establishments;
use crate::services::statistics;
use crate::store::establishment::bulk_item::BulkItem;
use crate::store::establishment::bulk_run::{BulkRun, Verb};

/// How archives are closed, and where they go.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Closing {
    /// The public key of age; that of the configuration when it is empty.
    pub recipient: String,
    /// The folder; `archives.folder` of the configuration, with a folder an establishment, when there is none.
    pub folder: Option<PathBuf>,
}

/// What is done with each establishment.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
pub enum Act {
    /// Writes a letter (SAC-30), or only tells to whom it would go.
    Mail {
        /// The letter.
        letter: NewLetter,
        /// Whether nothing is written.
        dry_run: bool,
    },
    /// Counts (SAC-31).
    Stats,
    /// Archives (SAC-32).
    Export(Closing),
    /// Blocks.
    Block,
    /// Opens again.
    Unblock,
    /// Deletes (SAC-33).
    Delete {
        /// What was typed to confirm it.
        #[serde(skip)]
        confirm: Option<String>,
        /// A last archive of each before it goes.
        archive: Option<Closing>,
    },
}

impl Act {
    /// Its name.
    pub(super) fn verb(&self) -> Verb {
        match self {
            Self::Mail { .. } => Verb::Mail,
            Self::Stats => Verb::Stats,
            Self::Export(_) => Verb::Export,
            Self::Block => Verb::Block,
            Self::Unblock => Verb::Unblock,
            Self::Delete { .. } => Verb::Delete,
        }
    }

    /// The act with everything that carrying it out needs, for so many establishments.
    pub(super) fn checked(self, ctx: &Context, count: usize) -> Result<Self, Error> {
        match self {
            Self::Mail { letter, dry_run } => {
                letter.check(ctx)?;
                Ok(Self::Mail { letter, dry_run })
            }
            Self::Export(closing) => Ok(Self::Export(closing.checked(ctx)?)),
            Self::Delete { confirm, archive } => {
                let word = format!("delete {count}");
                if confirm.as_deref() != Some(&word) {
                    let told = format!(
                        "this removes {count} establishments with everyone and everything in them, for good: say «{word}» here to confirm it"
                    );
                    return Err(Error::invalid("confirm", told));
                }
                Ok(Self::Delete { confirm, archive: archive.map(|closing| closing.checked(ctx)).transpose()? })
            }
            Self::Stats | Self::Block | Self::Unblock => Ok(self),
        }
    }

    /// Does it with one establishment, and tells what came of it.
    pub(super) async fn carry_out(&self, platform: &PlatformContext, run: &BulkRun, item: &BulkItem) -> Result<Value, Error> {
        if let Self::Delete { archive, .. } = self {
            return delete(platform, run, item, archive.as_ref()).await;
        }
        let there = platform.enter(&item.slug).await?;
        match self {
            Self::Mail { letter, dry_run } => stated(&letter::write(&there, letter, run.id.uuid(), *dry_run).await?),
            Self::Stats => stated(&statistics::count(&there).await?),
            Self::Export(closing) => closing.archive(&there, run).await,
            Self::Block => Ok(json!({ "batch": establishments::block(&there).await?.batch })),
            Self::Unblock => establishments::unblock(&there).await.map(|_| json!({})),
            Self::Delete { .. } => Err(Error::Internal("a deletion was carried out above".to_owned())),
        }
    }
}

async fn delete(platform: &PlatformContext, run: &BulkRun, item: &BulkItem, archive: Option<&Closing>) -> Result<Value, Error> {
    let begun_before = item.attempts > 1;
    let saved = match (archive, platform.enter(&item.slug).await) {
        (Some(closing), Ok(there)) => closing.archive(&there, run).await?,
        // It was archived before its deletion began, which now goes on.
        (Some(_), Err(Error::NotFound(_))) if begun_before => json!({}),
        (Some(_), Err(error)) => return Err(error),
        (None, _) => json!({}),
    };
    match establishments::delete(platform, &item.slug, Some(&item.slug)).await {
        // The node before went away between the end of the deletion and its mark.
        Err(Error::NotFound(_)) if begun_before => Ok(saved),
        deleted => deleted.map(|()| saved),
    }
}

impl Closing {
    fn checked(self, ctx: &Context) -> Result<Self, Error> {
        let settings = &ctx.gateway.archives;
        let recipient = if self.recipient.is_empty() { settings.recipient.clone() } else { self.recipient };
        if recipient.is_empty() {
            let told = "name a public key of age that closes the archives, or set archives.recipient in the configuration";
            return Err(Error::invalid("recipient", told));
        }
        Lock::recipient(&recipient)?;
        Ok(Self { recipient, folder: self.folder })
    }

    /// The same file when it is done again.
    async fn archive(&self, there: &Context, run: &BulkRun) -> Result<Value, Error> {
        let folder = self.folder.clone().unwrap_or_else(|| there.gateway.archives.folder.join(there.slug()));
        let (stamp, key) = (run.started_at.to_string().replace([':', '-'], ""), run.id.uuid().simple().to_string());
        let name = format!("{}-{stamp}-{}", there.slug(), key.get(24..).unwrap_or_default());
        let saved = archives::write_apart(there, &self.recipient, &folder, &name).await?;
        Ok(json!({ "file": saved.path, "size_bytes": saved.size_bytes, "rows": saved.rows, "sha256": saved.sha256 }))
    }
}

fn stated(value: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(value).map_err(|e| Error::Internal(format!("an outcome does not serialise: {e}")))
}
