//! `passerelle user show`: a person with where they come from, their groups and their roles.

use serde_json::json;

use super::output::{Output, collect, or_dash};
use super::word;
use crate::services::context::Context;
use crate::services::groups;
use crate::services::roles::assignments;
use crate::services::scim::called;
use crate::services::users;
use crate::store::establishment::assignment::Filter;
use crate::store::establishment::scim_resource::Kind;
use crate::store::establishment::user::User;

/// Prints a person.
pub async fn show(ctx: &Context, output: Output, user: &User) -> anyhow::Result<()> {
    let profile = users::profile(ctx, user.id).await?;
    let (leaves_on, leaves_then) = profile.departure().unzip();
    let groups = groups::of_person(ctx, user.id).await?;
    let filter = Filter { user: Some(user.id), ..Filter::default() };
    let held = collect(usize::MAX, None, async |page| Ok(assignments::list(ctx, &page, &filter).await?)).await?;
    let external = called::external_ids(ctx, Kind::User, user.id.uuid()).await?;
    let mut value = serde_json::to_value(&profile.user)?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("links".to_owned(), serde_json::to_value(&profile.links)?);
        fields.insert("leaves_on".to_owned(), json!(leaves_on));
        fields.insert("leaves_then".to_owned(), json!(leaves_then));
        fields.insert(
            "groups".to_owned(),
            json!(groups.iter().map(|group| json!({ "id": group.id, "name": group.name })).collect::<Vec<_>>()),
        );
        fields.insert("roles".to_owned(), json!(held));
        fields.insert("external_ids".to_owned(), json!(external));
    }
    let user = &profile.user;
    let joined = |parts: Vec<String>| if parts.is_empty() { "–".to_owned() } else { parts.join(", ") };
    let links = profile.links.iter().map(|l| format!("{} {}", l.source, l.dn.as_deref().unwrap_or(&l.external_id))).collect();
    let roles = held.iter().map(|held| {
        let place = if held.scope.is_empty() { String::new() } else { format!(" @ {}", held.scope) };
        format!("{}: {}{place}", held.application, held.role)
    });
    let mut pairs = vec![
        ("cli-id", user.id.to_string()),
        ("cli-username", user.username.clone()),
        ("cli-name", user.display_name.clone()),
        ("cli-email", or_dash(user.email.as_ref())),
        ("cli-status", output.word(user.status)),
        ("cli-unit", or_dash(user.home_unit.as_ref())),
        ("cli-entry", joined(links)),
    ];
    if !external.is_empty() {
        pairs.push(("cli-external-id", joined(external.iter().map(|(source, id)| format!("{source} {id}")).collect())));
    }
    pairs.extend([
        ("cli-groups", joined(groups.iter().map(|group| group.name.clone()).collect())),
        ("cli-roles", joined(roles.collect())),
        ("cli-last-sign-in", or_dash(user.last_sign_in_at.as_ref())),
        ("cli-leaves-on", leaves_on.map_or_else(|| "–".to_owned(), |at| format!("{at} ({})", leaves_then.map(word).unwrap_or_default()))),
    ]);
    output.thing(&value, &pairs)
}
