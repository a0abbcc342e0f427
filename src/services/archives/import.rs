//! Import: an archive taken in as an establishment beside the others, under its own slug or another.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::envelope::Key;
use super::format::Stated;
use super::landing::{Landed, Landing};
use super::progress::Progress;
use super::read::Checked;
use super::{leftover, refusal, restore, verify};
use crate::services::audit;
use crate::services::context::{Context, PlatformContext};
use crate::services::error::Error;
use crate::services::establishments::{self, NUMBER_MAX, NewContact, NewEstablishment};
use crate::services::leases::{self, Held, Lease};
use crate::services::schedules;
use crate::store::Tx;
use crate::store::registry::establishment::{self, Establishment, EstablishmentStatus, Filter};
use crate::store::registry::job::Kind;
use crate::store::registry::zone;
use crate::types::fold;
use crate::types::page::PageRequest;
use crate::types::permission::Permission;
use crate::types::slug::{PLATFORM, Slug};

/// What of the archive could not be taken as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Notice {
    /// Another has its number: it got the next one.
    NumberTaken {
        /// The number in the archive.
        number: i64,
    },
    /// Another has its UAI: it has none now.
    UaiTaken {
        /// The UAI in the archive.
        uai: String,
    },
    /// Its zone is not on the operator's list: it has none now.
    ZoneUnknown {
        /// The zone in the archive.
        zone: String,
    },
    /// API tokens of the original do not answer for a copy.
    TokensDropped {
        /// How many.
        count: u64,
    },
}

/// An establishment taken in.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Imported {
    /// The establishment.
    pub establishment: Establishment,
    /// Rows written.
    pub rows: u64,
    /// What could not be taken as it stands.
    pub notices: Vec<Notice>,
}

/// Takes an archive in as a new establishment. It stays blocked until all of it is there; when it fails, nothing is left.
///
/// # Errors
/// `Archive` with the reason, `Conflict` when the slug is taken.
pub async fn import(
    platform: &PlatformContext,
    path: &Path,
    key: &Key,
    slug: Option<&str>,
    progress: &Arc<Progress>,
) -> Result<Imported, Error> {
    let ctx = platform.context();
    ctx.require(Permission::ManageEstablishments)?;
    let slug = slug.map(Slug::parse).transpose()?;
    let checked = verify(&ctx.gateway, path, key, progress).await?;
    let stated = &checked.header.establishment;
    if stated.slug == PLATFORM {
        return Err(refusal::unfit("this archive is of the platform: put it back with `establishment restore platform`"));
    }
    let slug = slug.map_or_else(|| Slug::parse(&stated.slug), Ok)?;
    let (made, held, mut notices) = register(platform, stated, &slug).await?;
    let lease = held.keep(&ctx.gateway);
    let landed = fill(platform, &made, (path, key, progress), &checked).await;
    let landed = match landed {
        Ok(landed) => landed,
        Err(error) => {
            let withdrawn = withdraw(platform, &made).await;
            // What could not be taken back is taken back later.
            lease.finish((!withdrawn).then(|| ctx.now.plus_s(leftover::AGAIN_AFTER_S))).await?;
            return Err(error);
        }
    };
    if landed.tokens_dropped > 0 {
        notices.push(Notice::TokensDropped { count: landed.tokens_dropped });
    }
    let establishment = open_up(platform, made, stated.status, lease).await?;
    schedules::look_at_all(&platform.enter(&establishment.slug).await?).await?;
    let mut trail = ctx.store.begin().await?;
    let detail = json!({ "from": stated.slug, "archived_at": checked.header.created_at, "sha256": checked.manifest.sha256 });
    audit::record_in(&mut trail, ctx, "establishment.imported", ("establishment", &establishment.slug), detail).await?;
    trail.commit().await?;
    Ok(Imported { establishment, rows: checked.manifest.rows, notices })
}

async fn register(platform: &PlatformContext, stated: &Stated, slug: &Slug) -> Result<(Establishment, Held, Vec<Notice>), Error> {
    let now = platform.context().now;
    let mut notices = Vec::new();
    let mut made = stated_regular(platform.context(), stated, slug)?;
    let mut registry = platform.registry().begin().await?;
    if establishment::find(&mut registry, &made.slug).await?.is_some() {
        return Err(Error::Conflict(format!("the slug «{}» is taken: choose another with `--slug`, or `slug` in the API", made.slug)));
    }
    let number = Filter { number: Some(made.number), ..Filter::default() };
    if made.number < 1 || is_taken(&mut registry, &number).await? {
        notices.push(Notice::NumberTaken { number: stated.number });
        made.number = establishment::next_number(&mut registry).await?;
    }
    let uai = Filter { uai: made.uai.clone(), ..Filter::default() };
    if made.uai.is_some() && is_taken(&mut registry, &uai).await? {
        notices.extend(made.uai.take().map(|uai| Notice::UaiTaken { uai }));
    }
    if let Some(name) = &made.zone
        && zone::find(&mut registry, name).await?.is_none()
    {
        notices.extend(made.zone.take().map(|zone| Notice::ZoneUnknown { zone }));
    }
    establishment::insert(&mut registry, &made, &search(&made)).await?;
    // When this process dies, another one takes back what it had made.
    let (gateway, about) = (&platform.context().gateway, made.id.to_string());
    let held = leases::begin_in(&mut registry, gateway, Kind::Import, (&made.slug, &about), now).await?;
    let held = held.ok_or_else(|| Error::Conflict(format!("«{}» is being taken in by another node: look again in a minute", made.slug)))?;
    registry.commit().await?;
    Ok((made, held, notices))
}

/// The establishment that a header states, its fields looked at like those of any other, blocked as yet. A number that nobody may have is 0.
fn stated_regular(ctx: &Context, stated: &Stated, slug: &Slug) -> Result<Establishment, Error> {
    let new = NewEstablishment {
        name: stated.name.clone(),
        slug: Some(slug.as_str().to_owned()),
        number: Some(stated.number).filter(|number| (1..=NUMBER_MAX).contains(number)),
        uai: stated.uai.clone(),
        zone: stated.zone.clone(),
        locality: stated.locality.clone(),
        contact: NewContact {
            family_name: stated.contact_family_name.clone(),
            given_name: stated.contact_given_name.clone(),
            email: stated.contact_email.clone(),
        },
        send_mail: Some(false),
    };
    let made = establishments::regular(ctx, &new).map_err(|error| match error {
        Error::Invalid(fields) => {
            let wrong: Vec<String> = fields.iter().map(|field| format!("{} {}", field.field, field.message)).collect();
            refusal::unfit(format!("what this archive says of the establishment does not fit: {}", wrong.join("; ")))
        }
        other => other,
    })?;
    Ok(Establishment { status: EstablishmentStatus::Blocked, created_at: stated.created_at, ..made })
}

/// The folded text that lists look in.
fn search(e: &Establishment) -> String {
    fold(&[&e.name, &e.slug, e.uai.as_deref().unwrap_or(""), e.locality.as_deref().unwrap_or("")].join(" "))
}

async fn is_taken(registry: &mut Tx, filter: &Filter) -> Result<bool, Error> {
    let one = PageRequest::parse(Some(1), None, None)?;
    Ok(establishment::list(registry, &one, filter).await?.total > 0)
}

async fn fill(
    platform: &PlatformContext,
    made: &Establishment,
    (path, key, progress): (&Path, &Key, &Arc<Progress>),
    checked: &Checked,
) -> Result<Landed, Error> {
    let ctx = platform.context();
    let store = ctx.gateway.stores.provision_new(made).await?;
    let there = Context { establishment: Arc::new(made.clone()), store, ..ctx.clone() };
    let with_tokens = checked.header.establishment.slug == made.slug;
    let landing = Landing { gateway: &ctx.gateway, path, key, progress, slug: &made.slug, home: false, with_tokens };
    let coming = landing.open().await;
    let mut tx = there.store.begin().await?;
    tx.set_large(true).await?;
    let landed = landing.fill(&mut tx, checked, coming).await?;
    restore::settle_in(&mut tx, &there).await?;
    let detail = json!({ "from": checked.header.establishment.slug, "archived_at": checked.header.created_at });
    audit::record_in(&mut tx, &there, "establishment.imported", ("establishment", &made.slug), detail).await?;
    tx.set_large(false).await?;
    tx.commit().await?;
    Ok(landed)
}

/// Lets people in as the archive states, now that all of it is there.
async fn open_up(
    platform: &PlatformContext,
    made: Establishment,
    status: EstablishmentStatus,
    lease: Lease,
) -> Result<Establishment, Error> {
    let mut registry = platform.registry().begin().await?;
    // Whoever edited it meanwhile is not undone.
    let standing = establishment::find(&mut registry, &made.slug).await?.filter(|standing| standing.id == made.id);
    let gone = || Error::Conflict(format!("«{}» was deleted while it was taken in", made.slug));
    let made = Establishment { status, ..standing.ok_or_else(gone)? };
    establishment::update(&mut registry, &made, &search(&made)).await?;
    if !lease.finish_in(&mut registry).await? {
        let told = "this node did not reach the registry for a while, and another one takes the import back: import it again in a minute";
        return Err(Error::Conflict(told.to_owned()));
    }
    registry.commit().await?;
    platform.context().gateway.establishments.forget(&made.slug);
    Ok(made)
}

/// Takes back what a failed import had made. Nobody finds it from the first step on; a deletion begun is carried on like any other.
async fn withdraw(platform: &PlatformContext, made: &Establishment) -> bool {
    let gateway = &platform.context().gateway;
    let withdrawn = async {
        let mut registry = platform.registry().begin().await?;
        establishment::mark_deleting(&mut registry, made, platform.context().now).await?;
        registry.commit().await?;
        gateway.stores.remove(made).await?;
        let mut registry = platform.registry().begin().await?;
        establishment::delete(&mut registry, made).await?;
        registry.commit().await
    };
    let withdrawn = withdrawn.await;
    if let Err(error) = &withdrawn {
        tracing::error!(establishment = made.slug, %error, "an import failed, and what it had made is taken back later");
    }
    gateway.establishments.forget(&made.slug);
    gateway.keys.forget(&made.slug).await;
    withdrawn.is_ok()
}
