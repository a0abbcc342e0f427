//! What every store holds from its first day: the gateway's own application, in which administrators have their roles.

use super::super::context::Context;
use super::super::error::Error;
use crate::store::Tx;
use crate::store::establishment::application::{self, Application, Cardinality, Policy, Role, ScopeKind};
use crate::store::establishment::assignment::{self, Assignment, Origin, Step};
use crate::types::id::{ApplicationId, AssignmentId, UserId};
use crate::types::permission::{APPLICATION, GatewayRole};

/// Makes what every store holds, where it is missing.
pub async fn prepare(ctx: &Context) -> Result<(), Error> {
    let mut reader = ctx.store.read().await?;
    if application::find_by_name(&mut reader, APPLICATION).await?.is_some() {
        return Ok(());
    }
    drop(reader);
    let mut tx = ctx.store.begin().await?;
    prepare_in(&mut tx, ctx).await?;
    Ok(tx.commit().await?)
}

/// The same within a transaction.
pub async fn prepare_in(tx: &mut Tx, ctx: &Context) -> Result<(), Error> {
    if application::find_by_name(tx, APPLICATION).await?.is_some() {
        return Ok(());
    }
    let roles = GatewayRole::ALL.into_iter().filter(|r| ctx.is_platform() || *r != GatewayRole::Operator);
    let own = Application {
        id: ApplicationId::new(),
        name: APPLICATION.to_owned(),
        title: "Passerelle".to_owned(),
        cardinality: Cardinality::Multi,
        default_role: None,
        scope_kind: ScopeKind::None,
        roles: roles.map(|r| Role { name: r.name().to_owned(), ..Role::default() }).collect(),
        claim_shape: serde_json::json!({}),
        policy: Policy::default(),
        services: Vec::new(),
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    Ok(application::insert(tx, &own).await?)
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
