//! What every store holds from its first day: the gateway's own application, in which administrators have their roles.

use serde_json::json;

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use crate::i18n;
use crate::store::Tx;
use crate::store::establishment::application::{self, Application, Cardinality, Level, Policy, Role, RoleScope, ScopeKind};
use crate::store::establishment::assignment::{self, Assignment, Origin, Step};
use crate::types::id::{ApplicationId, AssignmentId, UserId};
use crate::types::locale::Locale;
use crate::types::permission::{APPLICATION, Bound, GatewayRole, Permission};

/// Makes what every store holds, where it is missing or an older program left it otherwise.
pub async fn prepare(ctx: &Context) -> Result<(), Error> {
    let mut reader = ctx.store.read().await?;
    let found = application::find_by_name(&mut reader, APPLICATION).await?;
    if found.is_some_and(|found| brought_up(ctx, &found) == found) {
        return Ok(());
    }
    drop(reader);
    let mut tx = ctx.store.begin().await?;
    prepare_in(&mut tx, ctx).await?;
    Ok(tx.commit().await?)
}

/// The same within a transaction.
pub async fn prepare_in(tx: &mut Tx, ctx: &Context) -> Result<(), Error> {
    let Some(found) = application::find_by_name(tx, APPLICATION).await? else {
        return Ok(application::insert(tx, &brought_up(ctx, &blank(ctx))).await?);
    };
    let after = brought_up(ctx, &found);
    if after == found {
        return Ok(());
    }
    let names = |application: &Application| application.roles.iter().map(|role| role.name.clone()).collect::<Vec<_>>();
    let detail = json!({ "application": APPLICATION, "roles": names(&after), "before": names(&found) });
    application::update(tx, &Application { updated_at: ctx.now, ..after }).await?;
    audit::record_in(tx, ctx, "application.updated", ("application", APPLICATION), detail).await
}

fn blank(ctx: &Context) -> Application {
    Application {
        id: ApplicationId::new(),
        name: APPLICATION.to_owned(),
        title: "Passerelle".to_owned(),
        cardinality: Cardinality::Multi,
        default_role: None,
        scope_kind: ScopeKind::Unit,
        roles: Vec::new(),
        claim_shape: json!({}),
        policy: Policy::default(),
        services: Vec::new(),
        created_at: ctx.now,
        updated_at: ctx.now,
    }
}

/// The gateway's own application with the catalogue of this program. Its title and the shape of its claims are the establishment's.
fn brought_up(ctx: &Context, found: &Application) -> Application {
    let roles = GatewayRole::ALL.into_iter().filter(|role| ctx.is_platform() || *role != GatewayRole::Operator);
    Application {
        scope_kind: ScopeKind::Unit,
        roles: roles.map(role).collect(),
        policy: Policy { roles_editable: false, scope_inherits: true, ..found.policy.clone() },
        ..found.clone()
    }
}

fn role(known: GatewayRole) -> Role {
    let privileges = Permission::ALL.into_iter().map(|permission| {
        let level = if known.gives(permission) { Level::Yes } else { Level::No };
        (permission.privilege().to_owned(), level)
    });
    let (scope, scope_kind) = match known.bound() {
        Bound::Establishment => (RoleScope::Forbidden, None),
        Bound::Unit => (RoleScope::Required, None),
        Bound::UnitOrEstablishment => (RoleScope::Optional, None),
        Bound::Application => (RoleScope::Required, Some(ScopeKind::Service)),
    };
    Role {
        name: known.name().to_owned(),
        title: i18n::text(Locale::default(), known.title()),
        scope,
        scope_kind,
        privileges: privileges.collect(),
    }
}

/// Gives a person a role of the gateway by hand.
pub async fn give_gateway_role_in(tx: &mut Tx, ctx: &Context, user: UserId, role: GatewayRole, why: &str) -> Result<(), Error> {
    let own = application::find_by_name(tx, APPLICATION).await?;
    let own =
        own.ok_or_else(|| Error::Internal("the gateway's own application is missing, though every store is prepared with it".to_owned()))?;
    let assignment = Assignment {
        id: AssignmentId::new(),
        user_id: user,
        application_id: own.id,
        application: own.name,
        role: role.name().to_owned(),
        scope: String::new(),
        origin: Origin::Manual,
        rule_id: None,
        valid_from: None,
        valid_until: None,
        reason: vec![Step { kind: "role".to_owned(), name: why.to_owned() }],
        given_by: Some(ctx.actor.label()),
        created_at: ctx.now,
    };
    Ok(assignment::insert_all(tx, std::slice::from_ref(&assignment)).await?)
}
