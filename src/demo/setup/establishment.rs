//! One establishment of the demo: made, fed by its source, given roles and a client.

use serde_json::json;

use super::client::{self, CLIENT_ID};
use super::feed;
use super::{Credentials, Furnished, Planned, Surroundings, password, roles};
use crate::demo::sample::Place;
use crate::services::context::{Context, PlatformContext};
use crate::services::error::Error;
use crate::services::establishments::{self, NewEstablishment};
use crate::services::sources::{self, SourceFields};
use crate::services::sync;
use crate::services::users;
use crate::store::establishment::source::{Guard, SourceKind};
use crate::store::establishment::sync_run::{Mode, State};
use crate::store::establishment::user::UserStatus;
use crate::types::leaving::Leaving;
use crate::types::matching::Matching;

/// The name of the source.
pub(super) const SOURCE: &str = "annuaire";
/// The first administrator's user name: that of an establishment whose contact has no address.
const ADMINISTRATOR: &str = "admin";

/// Makes the establishment where it is missing.
pub(super) async fn ensure(platform: &PlatformContext, plan: &Planned) -> Result<(), Error> {
    match platform.enter(&plan.slug).await {
        Ok(_) => Ok(()),
        Err(Error::NotFound(_)) => {
            let new = NewEstablishment {
                name: plan.name.clone(),
                slug: Some(plan.slug.clone()),
                uai: plan.uai.clone(),
                locality: plan.locality.clone(),
                ..NewEstablishment::default()
            };
            establishments::create(platform, &new).await.map(drop)
        }
        Err(other) => Err(other),
    }
}

/// Furnishes it: what people may be first, then the people.
pub(super) async fn furnish(ctx: &Context, plan: &Planned, around: &Surroundings) -> anyhow::Result<Furnished> {
    let application = roles::furnish(ctx, plan.kind).await?;
    let registered = client::register(ctx, plan, &application.name, around).await?;
    source(ctx, plan, around).await?;
    let run = sync::run_to_end(ctx, SOURCE, Mode::Full).await?;
    anyhow::ensure!(
        run.state == State::Done,
        "reading the demo's directory ended {:?} ({}): use another folder with --data, or the same --people as before",
        run.state,
        run.error.as_deref().unwrap_or("no reason given")
    );
    // Made now, so that the first person to sign in does not wait for a key to be drawn.
    ctx.ring().await?;
    let admin = match &plan.admin {
        Some(known) => known.clone(),
        None => local_administrator(ctx).await?,
    };
    let place = Place {
        slug: plan.slug.clone(),
        name: plan.name.clone(),
        locality: plan.locality.clone(),
        issuer: ctx.issuer(),
        client_id: CLIENT_ID.to_owned(),
        client_secret: registered.secret,
        application: application.name,
        application_title: application.title,
        source: SOURCE.to_owned(),
        base_dn: plan.account.base_dn.clone(),
        suggestions: plan.suggestions.clone(),
        moving: plan.moving.clone(),
    };
    Ok(Furnished {
        place,
        admin,
        person: plan.person.clone(),
        redirect_uris: registered.redirect_uris,
        bind_dn: plan.account.dn.clone(),
        bind_password: plan.account.password.clone(),
        feed: feed::furnish(ctx).await?,
    })
}

/// The source: the same everywhere but for its base and what it binds as. The embedded directory listens on another port at each start.
async fn source(ctx: &Context, plan: &Planned, around: &Surroundings) -> Result<(), Error> {
    let fields = SourceFields {
        route: None,
        name: SOURCE.to_owned(),
        kind: SourceKind::Ldap,
        settings: json!({
            "urls": [around.directory_url],
            "bind_dn": plan.account.dn,
            // Written, sealed by the vault, and never read back.
            "bind_password": plan.account.password.expose(),
            "base_dn": plan.account.base_dn,
            "profile": plan.profile,
            "tls": { "mode": "none" },
            "sign_in": "bind",
        }),
        schedule: None,
        guard: Guard::default(),
        leaving: Leaving::default(),
        matching: Matching::default(),
        enabled: true,
    };
    match sources::get(ctx, SOURCE).await {
        Ok(standing) => sources::update(ctx, &standing, &fields).await.map(drop),
        Err(Error::NotFound(_)) => sources::create(ctx, &fields).await.map(drop),
        Err(other) => Err(other),
    }
}

/// The administrator the establishment was made with, with a new password.
async fn local_administrator(ctx: &Context) -> anyhow::Result<Credentials> {
    let person = users::resolve(ctx, ADMINISTRATOR).await?;
    let link =
        if person.status == UserStatus::Pending { users::invite(ctx, person.id).await? } else { users::reset(ctx, person.id).await? };
    Ok(Credentials { username: person.username, password: password::choose(ctx, &link).await? })
}
