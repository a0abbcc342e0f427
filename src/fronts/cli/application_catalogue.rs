//! `passerelle application import, export, catalogue, matrix, pending, check`: catalogues as files and tables, who waits, and who may do what.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::application::Named;
use super::args::Rows;
use super::local::Local;
use super::output::{Output, collect, or_dash, print_json, print_line, print_table};
use super::rule_set;
use super::word;
use crate::i18n::Argument;
use crate::services::applications::{self, ApplicationFields, CatalogueDifference, Imported};
use crate::services::context::Context;
use crate::services::oidc::claim_shape::ClaimShape;
use crate::services::roles::{self, Because, Enough, Question, Verdict};
use crate::types::page::PageRequest;

/// What to do with catalogues. EST is the slug of an establishment.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Import a catalogue, new or in the place of the edition that stands: a shipped one by its name (scodoc, omenori…), or a file.
    Import {
        /// The establishment.
        est: String,
        /// The name of a shipped catalogue, or a file in TOML or JSON.
        catalogue: String,
        /// Tell what would change, and write nothing.
        #[arg(long)]
        dry_run: bool,
        /// How many roles may be taken away: exactly so many, when they are more than the guard lets go.
        #[arg(long, value_name = "N")]
        confirm_losses: Option<u64>,
    },
    /// Write an application as a catalogue file.
    Export {
        #[command(flatten)]
        named: Named,
        /// The file; the terminal when left out. Its ending chooses between TOML and JSON.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// List the catalogues that come with the program; with EST, beside what it has of them.
    #[command(visible_alias = "catalogues")]
    Catalogue {
        /// The establishment.
        est: Option<String>,
    },
    /// Show an application's privileges beside its roles.
    Matrix(Named),
    /// List those who have nothing but the default role, and wait for another.
    Pending {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        rows: Rows,
    },
    /// Whether someone may do something, how far, and why.
    Check(Asked),
}

/// One question.
#[derive(Debug, Args)]
pub struct Asked {
    #[command(flatten)]
    named: Named,
    /// User name or identifier.
    user: String,
    /// A privilege of the catalogue; `access` for a service.
    privilege: String,
    /// Where: a unit or a service; everywhere when left out.
    #[arg(long)]
    scope: Option<String>,
    /// Whose things they are: a user name or identifier.
    #[arg(long, value_name = "USER")]
    relation_to: Option<String>,
    /// How far it has to go.
    #[arg(long, value_enum, default_value_t = Least::Read)]
    level: Least,
}

/// How far a privilege has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Least {
    /// Reading is enough.
    Read,
    /// Reading is not enough.
    Yes,
}

/// Carries a command out.
pub async fn run(local: &Local, output: Output, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Import { est, catalogue, dry_run, confirm_losses } => {
            let fields = read_catalogue(&catalogue)?;
            ClaimShape::parse(&fields.claim_shape)?;
            let ctx = local.establishment(&est).await?;
            let outcome = if dry_run {
                applications::try_import(&ctx, &fields).await?
            } else {
                applications::import(&ctx, &fields, confirm_losses).await?
            };
            told(output, &outcome, &fields)
        }
        Command::Export { named, output: file } => {
            let fields = applications::export(&local.establishment(&named.est).await?, &named.application).await?;
            export(output, &fields, file.as_deref())
        }
        Command::Catalogue { est } => catalogues(local, output, est.as_deref()).await,
        Command::Matrix(named) => {
            let matrix = applications::matrix(&local.establishment(&named.est).await?, &named.application).await?;
            if output.is_json() {
                return print_json(&matrix);
            }
            let head = std::iter::once(output.text("cli-privilege", &[])).chain(matrix.roles.iter().cloned()).collect();
            let cells = matrix.rows.iter().map(|row| {
                let levels = matrix.roles.iter().map(|role| row.levels.get(role).map(word).unwrap_or_default());
                std::iter::once(row.privilege.clone()).chain(levels).collect()
            });
            print_table(&std::iter::once(head).chain(cells).collect::<Vec<_>>())
        }
        Command::Pending { named, rows } => {
            let ctx = local.establishment(&named.est).await?;
            let read = async |page: PageRequest| Ok(applications::pending(&ctx, &named.application, &page).await?);
            let found = collect(rows.limit, rows.query.as_deref(), read).await?;
            output.list(&found, &["cli-id", "cli-username", "cli-name", "cli-email", "cli-unit", "cli-since"], |p| {
                let names = [p.user_id.to_string(), p.username.clone(), p.display_name.clone()];
                names.into_iter().chain([or_dash(p.email.as_ref()), or_dash(p.home_unit.as_ref()), p.since.to_string()]).collect()
            })
        }
        Command::Check(asked) => {
            let ctx = local.establishment(&asked.named.est).await?;
            check(&ctx, output, asked).await
        }
    }
}

async fn catalogues(local: &Local, output: Output, est: Option<&str>) -> anyhow::Result<()> {
    let Some(est) = est else {
        let shipped: Vec<String> = applications::catalogue().iter().map(|(name, _)| (*name).to_owned()).collect();
        return output.list(&shipped, &["cli-name"], |name| vec![name.clone()]);
    };
    let shipped = applications::shipped(&local.establishment(est).await?).await?;
    output.list(&shipped, &["cli-name", "cli-title", "cli-version", "cli-installed", "cli-roles"], |s| {
        let here = if s.installed { s.installed_version.clone().unwrap_or_else(|| "✓".to_owned()) } else { "–".to_owned() };
        vec![s.name.clone(), s.title.clone(), or_dash(s.version.as_ref()), here, s.roles.join(" ")]
    })
}

fn read_catalogue(name: &str) -> anyhow::Result<ApplicationFields> {
    if applications::catalogue().iter().any(|(shipped, _)| *shipped == name) {
        return Ok(applications::shipped_of(name)?);
    }
    let text = std::fs::read_to_string(name).with_context(|| {
        let shipped = applications::catalogue().iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        format!("{name} is neither a shipped catalogue ({shipped}) nor a file that can be read")
    })?;
    Ok(applications::from_catalogue(&text)?)
}

fn export(output: Output, fields: &ApplicationFields, file: Option<&Path>) -> anyhow::Result<()> {
    let Some(file) = file else {
        if output.is_json() {
            return print_json(fields);
        }
        print!("{}", applications::to_toml(fields)?);
        return Ok(());
    };
    let as_json = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let text = if as_json { serde_json::to_string_pretty(fields)? } else { applications::to_toml(fields)? };
    std::fs::write(file, text).with_context(|| format!("writing {}", file.display()))?;
    let shown = file.display().to_string();
    let sentence = output.text("cli-kept-in", &[("name", fields.name.as_str().into()), ("file", shown.as_str().into())]);
    output.done(&serde_json::json!({ "application": fields.name, "file": shown }), &sentence)
}

/// What an import did or would do: a sentence, and a table of the differences.
fn told(output: Output, outcome: &Imported, fields: &ApplicationFields) -> anyhow::Result<()> {
    if output.is_json() {
        return print_json(outcome);
    }
    let rows = if outcome.created { Vec::new() } else { changes(output, &outcome.difference) };
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let name: Argument<'_> = ("name", outcome.application.as_str().into());
    let sentence = if outcome.difference.is_empty() && !outcome.created {
        output.text("cli-import-same", &[name])
    } else if outcome.created {
        let key = if outcome.written { "cli-application-added" } else { "cli-import-new" };
        output.text(key, &[name, ("roles", number(fields.roles.len()).into())])
    } else if outcome.written {
        let version = outcome.version.as_deref().unwrap_or("–");
        output.text("cli-imported-edition", &[name, ("version", version.into()), ("count", number(rows.len()).into())])
    } else {
        output.text("cli-import-tried", &[name, ("count", number(rows.len()).into())])
    };
    print_line(&sentence)?;
    for what in &outcome.in_the_way {
        print_line(&output.text("cli-in-the-way", &[("what", what.as_str().into())]))?;
    }
    if !rows.is_empty() {
        print_line("")?;
        output.list(&rows, &["cli-place", "cli-before", "cli-after"], |row| row.to_vec())?;
    }
    let moves = outcome.people.as_ref().filter(|people| people.gained_count + people.lost_count > 0);
    match moves {
        Some(people) => {
            print_line("")?;
            rule_set::show(output, people)
        }
        None => Ok(()),
    }
}

fn changes(output: Output, difference: &CatalogueDifference) -> Vec<[String; 3]> {
    let one = |key: &str, name: &String| [output.text(key, &[]), String::new(), name.clone()];
    let mut rows: Vec<[String; 3]> = difference.roles_added.iter().map(|name| one("cli-role-added", name)).collect();
    rows.extend(difference.roles_removed.iter().map(|name| [output.text("cli-role-removed", &[]), name.clone(), String::new()]));
    rows.extend(difference.order.iter().map(|order| one("cli-order", &order.join(" "))));
    let privileges = difference.privileges.iter();
    rows.extend(privileges.map(|change| [format!("{}: {}", change.role, change.privilege), word(change.before), word(change.after)]));
    rows.extend(difference.fields.iter().map(|change| [change.field.clone(), shown(&change.before), shown(&change.after)]));
    rows
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

async fn check(ctx: &Context, output: Output, asked: Asked) -> anyhow::Result<()> {
    let user = asked.user.parse().ok();
    let question = Question {
        username: if user.is_some() { None } else { Some(asked.user) },
        user,
        application: asked.named.application,
        privilege: asked.privilege,
        scope: asked.scope,
        relation_to: asked.relation_to,
        level: if asked.level == Least::Yes { Enough::Yes } else { Enough::Read },
    };
    let verdicts = roles::answer(ctx, std::slice::from_ref(&question)).await?;
    let verdict = verdicts.first().context("one question has one answer")?;
    let answer = output.text(if verdict.allowed { "cli-allowed" } else { "cli-refused" }, &[]);
    let path: Vec<String> = verdict.reason.path.iter().map(|step| step.name.clone()).collect();
    let scope = match verdict.scope.as_deref() {
        Some("") => output.text("cli-everywhere", &[]),
        scope => or_dash(scope.as_ref()),
    };
    let pairs = [
        ("cli-answer", answer),
        ("cli-level", word(verdict.level)),
        ("cli-role", or_dash(verdict.role.as_ref())),
        ("cli-scope", scope),
        ("cli-why", because(output, verdict)),
        ("cli-path", path.join(" → ")),
    ];
    output.thing(verdict, &pairs)
}

fn because(output: Output, verdict: &Verdict) -> String {
    let key = match verdict.reason.because {
        Because::Role => "cli-because-role",
        Because::OpenService => "cli-because-open-service",
        Because::ProtectedService => "cli-because-protected-service",
        Because::UnknownPerson => "cli-because-unknown-person",
        Because::Inactive => "cli-because-inactive",
        Because::Blocked => "cli-because-blocked",
        Because::NoRole => "cli-because-no-role",
        Because::NoPrivilege => "cli-because-no-privilege",
        Because::OtherScope => "cli-because-other-scope",
        Because::ReadingOnly => "cli-because-reading-only",
        Because::NobodyNamed => "cli-because-nobody-named",
        Because::NoRelation => "cli-because-no-relation",
        Because::NotAllowed => "cli-because-not-allowed",
        Because::UnknownService => "cli-because-unknown-service",
    };
    let scopes = verdict.reason.scopes.join(", ");
    output.text(key, &[("scopes", scopes.as_str().into())])
}
