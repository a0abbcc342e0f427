//! Applications of the demo, and the rules that map groups to their roles.

use anyhow::Context as _;

use super::establishment::SOURCE;
use crate::demo::people::Kind;
use crate::services::applications::{self, ApplicationFields};
use crate::services::context::Context;
use crate::services::error::Error;
use crate::services::roles::{RuleFields, rules};
use crate::store::establishment::application::Application;
use crate::store::establishment::rule::Condition;
use crate::types::permission::{APPLICATION as GATEWAY, GatewayRole};

/// The application of a school.
const SCHOOL_LIFE: &str = "vie-scolaire";
/// The first application of a university institute.
const SCODOC: &str = "scodoc";
/// The second.
const OMENORI: &str = "omenori";

/// One rule: groups that must all hold, role, scope.
type Row = (&'static str, &'static [&'static str], &'static str, Option<&'static str>);

/// The rules of a school. A class's pupils are in the group named like it, its teachers in `équipe` and its name.
const SCHOOL_RULES: &[Row] = &[
    (SCHOOL_LIFE, &["informatique"], "administrateur", None),
    (SCHOOL_LIFE, &["direction"], "direction", None),
    (SCHOOL_LIFE, &["profs", "équipe (?<unit>.+)"], "professeur", Some("{unit}")),
    (SCHOOL_LIFE, &["personnels"], "personnel", None),
    (SCHOOL_LIFE, &["parents"], "parent", None),
    (SCHOOL_LIFE, &["eleves", r"(?<unit>(?:6e|5e|4e|3e|2nde|1re|Tle) \w)"], "eleve", Some("{unit}")),
    (GATEWAY, &["informatique"], GatewayRole::Administrator.name(), None),
    (GATEWAY, &["direction"], GatewayRole::Auditor.name(), None),
];

/// The rules of an institute, whose groups end in the code of a department. One is written over the DN, for the sake of the example.
const INSTITUTE_RULES: &[Row] = &[
    (SCODOC, &["cn=ens-(?<unit>[A-Z]+),.*"], "Ens", Some("{unit}")),
    (SCODOC, &["secr-(?<unit>[A-Z]+)"], "Secr", Some("{unit}")),
    (SCODOC, &["resp-(?<unit>[A-Z]+)"], "Admin", Some("{unit}")),
    (SCODOC, &["dsi"], "SuperAdmin", None),
    (OMENORI, &["dsi"], "ADMIN", None),
    (OMENORI, &["resp-.+"], "RC", None),
    (OMENORI, &["ens-.+"], "PT", None),
    (OMENORI, &["tut-.+"], "MA", None),
    (OMENORI, &["apprentis-.+"], "APPRENTICE", None),
    (GATEWAY, &["dsi"], GatewayRole::Administrator.name(), None),
    (GATEWAY, &["resp-.+"], GatewayRole::Auditor.name(), None),
];

/// Makes applications and rules where they are missing, and answers which application the sample application's roles are of.
pub(super) async fn furnish(ctx: &Context, kind: Option<Kind>) -> anyhow::Result<Application> {
    let (names, rows): (&[&str], Vec<Row>) = match kind {
        Some(Kind::College | Kind::Lycee) => (&[SCHOOL_LIFE], SCHOOL_RULES.to_vec()),
        Some(Kind::Iut) => (&[SCODOC, OMENORI], INSTITUTE_RULES.to_vec()),
        // A directory brought along may name its groups either way.
        None => (&[SCODOC, OMENORI, SCHOOL_LIFE], [INSTITUTE_RULES, SCHOOL_RULES].concat()),
    };
    let mut made = Vec::with_capacity(names.len());
    for name in names {
        made.push(application(ctx, name).await?);
    }
    // Someone may have changed the rules since an earlier start: theirs stay.
    if rules::list(ctx).await?.is_empty() {
        for row in rows {
            rules::create(ctx, &fields(row)).await?;
        }
    }
    made.into_iter().next().context("every establishment of the demo has an application")
}

async fn application(ctx: &Context, name: &str) -> Result<Application, Error> {
    match applications::get(ctx, name).await {
        Err(Error::NotFound(_)) => applications::create(ctx, &shipped(name)?).await,
        found => found,
    }
}

fn shipped(name: &str) -> Result<ApplicationFields, Error> {
    let text = applications::catalogue().into_iter().find_map(|(known, text)| (known == name).then_some(text));
    applications::from_catalogue(text.ok_or_else(|| Error::Internal(format!("«{name}» is not in the catalogue that ships with it")))?)
}

fn fields((application, groups, role, scope): Row) -> RuleFields {
    // Whoever feeds another source makes nobody an administrator by the name of a group.
    let source = (application == GATEWAY).then(|| SOURCE.to_owned());
    let condition = |pattern: &&str| Condition { group: Some((*pattern).to_owned()), source: source.clone(), ..Condition::default() };
    RuleFields {
        application: application.to_owned(),
        when: groups.iter().map(condition).collect(),
        role: role.to_owned(),
        scope: scope.map(str::to_owned),
        priority: 0,
        ..RuleFields::default()
    }
}
