//! Sources: how an establishment's people are fed in. Keeps their secrets sealed, and shows none.

mod fields;
mod named;
mod pause;
mod pushed;
mod secrets;

pub use pause::resume;
pub(in crate::services) use pause::{pause_in, waits};
pub(in crate::services) use pushed::is_read;

use connectors::ldap::CheckStep;
use connectors::{Connector, Directory, Password};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::audit;
use super::context::Context;
use super::directories::{self, Origin};
use super::error::Error;
use super::roles::{self, Naming};
use super::schedules;
use super::source_files;
use super::source_routes;
use crate::store::Tx;
use crate::store::establishment::source::{self, Guard, Source, SourceKind};
use crate::store::establishment::{group, link, source_state, sync_run};
use crate::types::Invalid;
use crate::types::id::SourceId;
use crate::types::leaving::Leaving;
use crate::types::matching::Matching;
use crate::types::permission::Permission;
use crate::types::schedule::Schedule;
use fields::wrong_fields;
use secrets::Said;

/// A source as it is configured. Its secret (`settings.bind_password` of a directory, `settings.token` or `settings.client_secret` of a SCIM
/// service) is written and never read back; left out, the one before stays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceFields {
    /// Its name in addresses and commands.
    pub name: String,
    /// Protocol.
    #[serde(default = "ldap")]
    pub kind: SourceKind,
    /// Settings of the connector; of a SCIM feed that is pushed into, its `mapping` alone.
    #[schema(value_type = Object)]
    pub settings: Value,
    /// When it runs by itself; never when null.
    #[serde(default)]
    pub schedule: Option<Schedule>,
    /// Bounds on what one run may take away.
    #[serde(default)]
    pub guard: Guard,
    /// On the platform: the expression that gives each record its establishments. Elsewhere, and for a source of the platform's own people,
    /// null.
    #[serde(default)]
    pub route: Option<String>,
    /// What becomes of whoever left it.
    #[serde(default)]
    pub leaving: Leaving,
    /// How its people are found among those whom other sources state, and whose word counts for what.
    #[serde(default)]
    pub matching: Matching,
    /// Whether runs and sign-ins through it are allowed.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn ldap() -> SourceKind {
    SourceKind::Ldap
}

fn yes() -> bool {
    true
}

impl From<&Source> for SourceFields {
    fn from(source: &Source) -> Self {
        let Source { name, kind, settings, schedule, guard, leaving, matching, route, enabled, .. } = source.clone();
        let (leaving, matching) = (leaving.unwrap_or_default(), matching.unwrap_or_default());
        Self { name, kind, settings, schedule, guard, route, leaving, matching, enabled }
    }
}

/// What may be read of a source: everything but its secret.
pub fn shown(source: &Source) -> Value {
    json!({
        "name": source.name,
        "kind": source.kind,
        "settings": source.settings,
        "has_bind_password": source.secret_sealed.is_some() && source.kind == SourceKind::Ldap,
        "has_secret": source.secret_sealed.is_some(),
        "schedule": source.schedule,
        "guard": source.guard,
        "route": source.route,
        "routed": source.routed_from.is_some(),
        "leaving": source.leaving.unwrap_or_default(),
        "matching": source.matching.clone().unwrap_or_default(),
        "enabled": source.enabled,
        "created_at": source.created_at,
        "updated_at": source.updated_at,
    })
}

/// Every source, by name.
pub async fn list(ctx: &Context) -> Result<Vec<Source>, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    Ok(source::list(&mut tx).await?)
}

/// One source.
///
/// # Errors
/// `NotFound`.
pub async fn get(ctx: &Context, name: &str) -> Result<Source, Error> {
    ctx.require(Permission::Read)?;
    find_in(&mut ctx.store.read().await?, name).await
}

async fn find_in(tx: &mut Tx, name: &str) -> Result<Source, Error> {
    source::find_by_name(tx, name).await?.ok_or_else(|| Error::not_found(format!("source «{name}»")))
}

/// Adds a source. Its settings and files are checked; the directory itself is not asked (`check` does that).
///
/// # Errors
/// `Invalid` naming every field that does not fit, `Conflict` when the name is taken.
pub async fn create(ctx: &Context, fields: &SourceFields) -> Result<Source, Error> {
    ctx.require(Permission::ManageSources)?;
    let mut source = Source {
        id: SourceId::new(),
        name: String::new(),
        kind: fields.kind,
        settings: Value::Null,
        secret_sealed: None,
        guard: fields.guard,
        schedule: None,
        leaving: None,
        matching: None,
        route: None,
        routed_from: None,
        enabled: fields.enabled,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    write(ctx, &mut source, fields).await?;
    let announced = schedules::announce(ctx, source.id, source.schedule.is_some()).await?;
    let mut tx = ctx.store.begin().await?;
    source::insert(&mut tx, &source).await.map_err(|e| taken(e, &source.name))?;
    schedules::begin_anew_in(&mut tx, ctx, source.id).await?;
    audit::record_in(&mut tx, ctx, "source.created", ("source", &source.name), shown(&source)).await?;
    tx.commit().await?;
    announced.hurry(ctx).await;
    Ok(source)
}

/// Changes a source; tokens and rules follow it to another name. What another filter would do to people waits in the next run, held if the guard says so.
///
/// # Errors
/// `NotFound`, `Stale` when it is not the source any more that the caller read, `Invalid` (also when an address, an account or an authority changes and the secret is not given again, or a file
/// of the machine is named by another than an operator), `Conflict`.
pub async fn update(ctx: &Context, read: &Source, fields: &SourceFields) -> Result<Source, Error> {
    ctx.require(Permission::ManageSources)?;
    let announced = schedules::announce(ctx, read.id, read.schedule.is_some() || fields.schedule.is_some()).await?;
    let told = roles::effects::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let mut source = find_in(&mut tx, &read.name).await?;
    Error::unless_same(read, &source)?;
    fields::stays_what_it_is(&source, fields)?;
    let before = shown(&source);
    source_routes::may_change_in(&mut tx, &source, fields).await?;
    let (schedule, was_enabled, name) = (source.schedule.clone(), source.enabled, source.name.clone());
    let word = |source: &Source| source.matching.clone().map(|matching| (matching.authority, matching.priority)).unwrap_or_default();
    let word_before = word(&source);
    write(ctx, &mut source, fields).await?;
    if word(&source) != word_before {
        link::forget_hashes_of_shared(&mut tx).await?;
    }
    if source.schedule != schedule || (source.enabled && !was_enabled) {
        schedules::begin_anew_in(&mut tx, ctx, source.id).await?;
    }
    source.updated_at = ctx.now;
    source::update(&mut tx, &source).await.map_err(|e| taken(e, &source.name))?;
    if source.name != name {
        named::follow_in(&mut tx, ctx, &name, &source).await?;
    }
    let detail = json!({ "before": before, "after": shown(&source) });
    audit::record_in(&mut tx, ctx, "source.updated", ("source", &source.name), detail).await?;
    tx.commit().await?;
    announced.hurry(ctx).await;
    told.hurry(ctx).await;
    Ok(source)
}

/// A source as it would be with other fields, for a preview; nothing is written.
///
/// # Errors
/// As `update`.
pub(in crate::services) async fn candidate(ctx: &Context, name: &str, fields: &SourceFields) -> Result<Source, Error> {
    let mut source = get(ctx, name).await?;
    fields::stays_what_it_is(&source, fields)?;
    write(ctx, &mut source, fields).await?;
    Ok(source)
}

/// Removes a source that nobody came from.
///
/// # Errors
/// `NotFound`, `Conflict` when people or groups came from it, rules name it, or a run is going on.
pub async fn delete(ctx: &Context, name: &str) -> Result<(), Error> {
    ctx.require(Permission::ManageSources)?;
    let standing = find_in(&mut ctx.store.read().await?, name).await?;
    source_routes::may_go(ctx, name).await?;
    let announced = schedules::announce(ctx, standing.id, standing.schedule.is_some()).await?;
    let mut tx = ctx.store.begin().await?;
    let source = find_in(&mut tx, name).await?;
    if sync_run::find_unfinished(&mut tx, source.id).await?.is_some() {
        return Err(Error::Conflict("a run of this source is going on: wait for its end".to_owned()));
    }
    let people = link::count_of_source(&mut tx, source.id).await?;
    let groups = group::list_of_source(&mut tx, source.id).await?.len();
    if people > 0 || groups > 0 {
        return Err(Error::Conflict(format!(
            "{people} people and {groups} groups came from this source: say what becomes of them with `people` (keep, disable or purge), or turn the source off instead of removing it"
        )));
    }
    roles::check_unnamed_in(&mut tx, name, Naming::Any).await?;
    source::delete(&mut tx, source.id).await?;
    audit::record_in(&mut tx, ctx, "source.deleted", ("source", &source.name), json!({})).await?;
    tx.commit().await?;
    announced.hurry(ctx).await;
    Ok(())
}

/// Tries a source step by step, from its name to how it tells changes, with some records as they would arrive and how they come about.
/// Of a file: encoding, delimiter, columns, people and groups.
///
/// # Errors
/// `NotFound`, `Invalid` when its files cannot be used any more, `Conflict` when it was given no file.
pub async fn check(ctx: &Context, name: &str) -> Result<Vec<CheckStep>, Error> {
    ctx.require(Permission::ManageSources)?;
    let source = get(ctx, name).await?;
    source_routes::has_settings(&source)?;
    is_read(&source)?;
    connector(ctx, &source).await?.check(ctx.now.seconds()).await.map_err(|failed| Error::Outside(failed.to_string()))
}

/// The directory behind a source.
///
/// # Errors
/// `Invalid` when its settings or files cannot be used.
pub(in crate::services) async fn directory(ctx: &Context, source: &Source) -> Result<Directory, Error> {
    let gone = || Error::Conflict("the platform's source that feeds this one is gone: ask an operator".to_owned());
    let Origin { slug, source } = directories::origin(ctx, source).await?.ok_or_else(gone)?;
    ctx.gateway.directories.of(&ctx.gateway.vault, &slug, &source).await
}

/// What reads a source, ready.
///
/// # Errors
/// `Invalid` when its settings or files cannot be used; `Conflict` for one that pushes.
pub(in crate::services) async fn connector(ctx: &Context, source: &Source) -> Result<Connector, Error> {
    is_read(source)?;
    if matches!(source.kind, SourceKind::Csv | SourceKind::Ldif) {
        return source_files::connector(ctx, source, None).await;
    }
    if source.kind == SourceKind::Scim {
        let gateway = &ctx.gateway;
        return gateway.scim_services.of(&gateway.vault, &gateway.egress, ctx.slug(), source).await.map(Connector::Scim);
    }
    let directory = directory(ctx, source).await?;
    if directory.settings().urls.len() > 1
        && let Some(server) = source_state::get(&mut ctx.store.read().await?, source.id).await?.server
    {
        // Bookmarks are a server's own, and this program may just have started.
        directory.prefer(&server);
    }
    Ok(Connector::Ldap(directory))
}

/// The server that answered last, of a source that has several.
pub(in crate::services) async fn answering(ctx: &Context, source: &Source) -> Option<String> {
    let directory = directory(ctx, source).await.ok()?;
    directory.answering().filter(|_| directory.settings().urls.len() > 1).map(str::to_owned)
}

/// Writes the fields into the row, after checking every one of them.
async fn write(ctx: &Context, source: &mut Source, fields: &SourceFields) -> Result<(), Error> {
    let mut wrong = wrong_fields(fields);
    wrong.extend(named::wrong_name(&source.name, fields.name.trim()));
    let is_pushed = pushed::is_pushed(fields);
    wrong.extend(pushed::wrong_place(ctx, fields));
    wrong.extend(source_routes::wrong_fields(ctx, source, fields));
    if source.routed_from.is_some() {
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        take_fields(source, fields, Value::Object(serde_json::Map::new()));
        return Ok(());
    }
    let not_theirs = source_files::files_of_others(ctx, &source.settings, &fields.settings);
    if !not_theirs.is_empty() {
        // Before the settings are tried, because trying them opens the files.
        wrong.extend(not_theirs);
        return Err(Error::Invalid(wrong));
    }
    if is_pushed || matches!(fields.kind, SourceKind::Csv | SourceKind::Ldif) {
        wrong.extend(source_files::wrong_settings(fields.kind, &fields.settings));
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        take_fields(source, fields, fields.settings.clone());
        return Ok(());
    }
    let (mut settings, key) = (fields.settings.clone(), secrets::key(fields));
    let password = Said::take(key, &mut settings).unwrap_or_else(|refused| {
        wrong.push(refused);
        Said::Nothing
    });
    let keeps = matches!(password, Said::Nothing) && source.secret_sealed.is_some();
    // Whether there is a secret is checked here; whether it is right, by the directory or the service.
    let trial = match &password {
        Said::New(secret) => Some(Password::from(secret.expose())),
        Said::Nothing if keeps => Some(Password::from("kept")),
        _ => None,
    };
    // An expression that cannot be read is told already.
    let route = fields.route.as_deref().filter(|_| wrong.iter().all(|told| told.field != "route"));
    match secrets::tried(ctx, fields.kind, (&source.settings, &settings), route, trial).await {
        Err(Error::Invalid(more)) => wrong.extend(more),
        Err(other) => return Err(other),
        Ok(elsewhere) if keeps && elsewhere => wrong.push(Invalid::new(
            format!("settings.{key}"),
            "give it again: the address, the account, the authority or the encryption changes, and a stored secret is never sent to another place",
        )),
        Ok(_) => {}
    }
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    match password {
        Said::New(secret) => {
            source.secret_sealed = Some(directories::seal_password(&ctx.gateway.vault, ctx.slug(), source.id, &secret)?);
        }
        Said::Forget => source.secret_sealed = None,
        Said::Nothing => {}
    }
    take_fields(source, fields, settings);
    Ok(())
}

fn take_fields(source: &mut Source, fields: &SourceFields, settings: Value) {
    fields.name.trim().clone_into(&mut source.name);
    source.settings = settings;
    source.guard = fields.guard;
    source.route = fields.route.as_deref().map(|route| route.trim().to_owned());
    source.leaving = Some(fields.leaving);
    source.schedule.clone_from(&fields.schedule);
    source.matching = Some(fields.matching.clone());
    source.enabled = fields.enabled;
}

fn taken(error: crate::store::Error, name: &str) -> Error {
    match error {
        crate::store::Error::Taken(_) => Error::Conflict(format!("a source is named «{name}» already: choose another name")),
        other => other.into(),
    }
}
