//! Trying a service step by step: whether it is reached, lets the gateway in, and speaks SCIM. Writes nothing there.

use serde::Serialize;
use utoipa::ToSchema;

use super::super::context::Context;
use super::super::egress::Verb;
use super::super::error::Error;
use super::remote::{Fault, Remote};
use super::{find_in, resume_in, secret_of};
use crate::store::establishment::provisioning::Groups;
use crate::store::establishment::provisioning_state::{self, Abilities, ProvisioningState};
use crate::types::permission::Permission;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Step {
    /// What was tried: `sign_in`, `service`, `users` or `groups`.
    pub name: &'static str,
    /// Whether it went well.
    pub ok: bool,
    /// What was found.
    pub detail: String,
}

impl Step {
    fn of(name: &'static str, outcome: Result<String, Fault>) -> Self {
        match outcome {
            Ok(detail) => Self { name, ok: true, detail },
            Err(fault) => Self { name, ok: false, detail: fault.told() },
        }
    }
}

/// Tries the service of an application. When all is well, whatever was paused goes on.
///
/// # Errors
/// `NotFound`; when a store fails.
pub async fn check(ctx: &Context, application: &str) -> Result<Vec<Step>, Error> {
    ctx.require(Permission::ManageClients)?;
    let standing = find_in(&mut ctx.store.read().await?, application).await?;
    let secret = secret_of(ctx, &standing)?;
    let mut remote = match Remote::open(ctx, &standing.settings, &secret).await {
        Ok(remote) => remote,
        Err(fault) => return Ok(vec![Step::of("sign_in", Err(fault))]),
    };
    let told = remote.abilities().await;
    let mut steps = vec![Step::of("service", told.clone().map(words))];
    steps.push(Step::of("users", list(&mut remote, "Users").await));
    if standing.settings.groups != Groups::None {
        steps.push(Step::of("groups", list(&mut remote, "Groups").await));
    }
    if let Ok(abilities) = told
        && steps.iter().all(|step| step.ok)
    {
        let mut tx = ctx.store.begin().await?;
        let state = provisioning_state::get(&mut tx, standing.id).await?;
        let known = ProvisioningState { abilities: Some(abilities), abilities_at: Some(ctx.now), ..state };
        provisioning_state::put(&mut tx, standing.id, &known).await?;
        resume_in(&mut tx, ctx, &standing).await?;
        tx.commit().await?;
        super::work_now(ctx, &standing).await;
    }
    Ok(steps)
}

fn words(abilities: Abilities) -> String {
    let word = |has: bool, name: &str| if has { name.to_owned() } else { format!("no {name}") };
    let Abilities { patch, filter, etag } = abilities;
    [word(patch, "PATCH"), word(filter, "filters"), word(etag, "versions")].join(", ")
}

async fn list(remote: &mut Remote<'_>, resources: &str) -> Result<String, Fault> {
    let answer = remote.ask(Verb::Get, &format!("/{resources}?startIndex=1&count=1"), None, None).await;
    let reply = answer.map_err(|fault| match fault {
        Fault::Missing => Fault::Refused(format!("there is no /{resources} below the URL: give the base of the SCIM service")),
        other => other,
    })?;
    match reply.body.get("totalResults").and_then(serde_json::Value::as_u64) {
        Some(total) => Ok(format!("{total} there")),
        None => Err(Fault::Refused(format!("/{resources} answers with no list of SCIM (RFC 7644 §3.4.2)"))),
    }
}
