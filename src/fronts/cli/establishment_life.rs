//! `passerelle establishment edit|block|receipt|unblock|administrators|reset|delete`: what becomes of an establishment after it was made.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use uuid::Uuid;

use super::archive::{self, One};
use super::bulk::{self, Several};
use super::establishment::show;
use super::local::Local;
use super::output::{Output, beside, or_dash, print_json};
use super::word;
use crate::services::bulk::Act;
use crate::services::establishments::{self, Administrator, Blocking, EstablishmentFields, NewReset};
use crate::services::jobs;
use crate::services::logout_notices::{Outcome, Receipt, ReceiptLine};

/// The fields to change; what is left out stays, and an empty text empties a field.
#[derive(Debug, Args)]
pub struct Edit {
    /// Its slug, which never changes.
    slug: String,
    /// What people read.
    #[arg(long)]
    name: Option<String>,
    /// Its number; seldom worth changing.
    #[arg(long)]
    number: Option<i64>,
    /// Its official number.
    #[arg(long)]
    uai: Option<String>,
    /// A zone of the operator's list.
    #[arg(long)]
    zone: Option<String>,
    /// Postcode and town.
    #[arg(long)]
    locality: Option<String>,
    /// The contact's family name. Another contact changes no administrator.
    #[arg(long)]
    contact_family_name: Option<String>,
    /// The contact's given name.
    #[arg(long)]
    contact_given_name: Option<String>,
    /// The contact's address.
    #[arg(long)]
    contact_email: Option<String>,
}

/// Whose access is given back.
#[derive(Debug, Args)]
pub struct Reset {
    /// The establishment's slug.
    slug: String,
    /// The administrator's user name or identifier; may be left out when there is one alone.
    #[arg(long, value_name = "NAME")]
    administrator: Option<String>,
    /// Print the link instead of mailing it to the contact.
    #[arg(long)]
    no_mail: bool,
}

/// Which ones are deleted.
#[derive(Debug, Args)]
pub struct Delete {
    #[command(flatten)]
    several: Several,
    /// The slug once more, or `delete N` for N establishments; asked for on the terminal when left out.
    #[arg(long, value_name = "WORDS")]
    confirm: Option<String>,
    /// Write a last archive of the one into this file first; nothing is deleted when that fails.
    #[arg(long, value_name = "FILE", group = "last", conflicts_with_all = ["all", "zone", "status"])]
    archive: Option<PathBuf>,
    /// Write a last archive of each into this folder first; one whose archive fails is not deleted.
    #[arg(long, value_name = "DIR", group = "last")]
    archive_into: Option<PathBuf>,
    /// Close the archives with this public key of age; one alone is closed with a passphrase when left out, several with archives.recipient.
    #[arg(long, value_name = "age1…", requires = "last")]
    recipient: Option<String>,
}

/// Changes an establishment's fields.
pub async fn edit(local: &Local, output: Output, given: Edit) -> anyhow::Result<()> {
    let ctx = local.establishment(&given.slug).await?;
    let standing = establishments::current(&ctx).await?;
    let mut fields = EstablishmentFields::from(&standing);
    fields.name = given.name.unwrap_or(fields.name);
    fields.number = given.number.unwrap_or(fields.number);
    fields.uai = given.uai.or(fields.uai);
    fields.zone = given.zone.or(fields.zone);
    fields.locality = given.locality.or(fields.locality);
    fields.contact.family_name = given.contact_family_name.or(fields.contact.family_name);
    fields.contact.given_name = given.contact_given_name.or(fields.contact.given_name);
    fields.contact.email = given.contact_email.or(fields.contact.email);
    show(output, &establishments::edit(&ctx, &standing, &fields).await?)
}

/// Blocks establishments; of one alone, prints what applications made of it within a few seconds.
pub async fn block(local: &Local, output: Output, several: &Several) -> anyhow::Result<()> {
    let Some(slug) = several.alone() else { return bulk::carry_out(local, output, several, Act::Block).await };
    let ctx = local.establishment(slug).await?;
    let Blocking { establishment, batch } = establishments::block(&ctx).await?;
    let receipt = jobs::receipt_at_once(&ctx, batch).await?;
    let value = beside(&establishment, [("batch", json!(batch)), ("receipt", json!(receipt))])?;
    let sentence = output.text("cli-establishment-blocked", &[("name", establishment.name.as_str().into())]);
    output.done(&value, &sentence)?;
    match receipt {
        Some(receipt) if !output.is_json() && !receipt.applications.is_empty() => {
            print_receipt(output, &receipt)?;
            let (slug, batch) = (slug.to_owned(), batch.to_string());
            output.done(&(), &output.text("cli-receipt-later", &[("slug", slug.into()), ("batch", batch.into())]))
        }
        _ => Ok(()),
    }
}

/// Shows again what applications made of a blocking.
pub async fn receipt(local: &Local, output: Output, slug: &str, batch: Uuid) -> anyhow::Result<()> {
    let receipt = establishments::receipt(&local.establishment(slug).await?, batch).await?;
    if output.is_json() { print_json(&receipt) } else { print_receipt(output, &receipt) }
}

fn print_receipt(output: Output, receipt: &Receipt) -> anyhow::Result<()> {
    output.list(&receipt.applications, &["cli-application", "cli-result", "cli-expires", "cli-detail"], |line: &ReceiptLine| {
        let outcome = match line.outcome {
            Outcome::Confirmed => "cli-receipt-confirmed",
            Outcome::Waiting => "cli-receipt-waiting",
            Outcome::Unreachable => "cli-receipt-unreachable",
            Outcome::LivesOn => "cli-receipt-lives-on",
        };
        vec![line.name.clone(), output.text(outcome, &[]), or_dash(line.until.as_ref()), or_dash(line.error.as_ref())]
    })
}

/// Unblocks establishments.
pub async fn unblock(local: &Local, output: Output, several: &Several) -> anyhow::Result<()> {
    let Some(slug) = several.alone() else { return bulk::carry_out(local, output, several, Act::Unblock).await };
    let open = establishments::unblock(&local.establishment(slug).await?).await?;
    output.done(&open, &output.text("cli-establishment-unblocked", &[("name", open.name.as_str().into())]))
}

/// Lists who administers an establishment.
pub async fn administrators(local: &Local, output: Output, slug: &str) -> anyhow::Result<()> {
    let all = establishments::administrators(&local.establishment(slug).await?).await?;
    output.list(&all, &["cli-username", "cli-name", "cli-email", "cli-status"], |a: &Administrator| {
        vec![a.username.clone(), a.display_name.clone(), or_dash(a.email.as_ref()), word(a.status)]
    })
}

/// Gives an administrator's access back.
pub async fn reset(local: &Local, output: Output, given: Reset) -> anyhow::Result<()> {
    let ctx = local.establishment(&given.slug).await?;
    let made = establishments::reset_administrator(&ctx, &NewReset { user: given.administrator, send_mail: !given.no_mail }).await?;
    let who = made.administrator.username.as_str();
    let shown = made.link.as_ref().map(|link| json!({ "url": link.url.expose(), "expires_at": link.expires_at }));
    let value = json!({ "administrator": made.administrator, "mailed_to": made.mailed_to, "link": shown });
    match (&made.link, &made.mailed_to) {
        (Some(link), _) => output.link(&value, "cli-reset-link", who, link),
        (None, to) => {
            let to = or_dash(to.as_ref());
            output.done(&value, &output.text("cli-reset-mailed", &[("name", who.into()), ("address", to.into())]))
        }
    }
}

/// Deletes establishments, once that was confirmed and the archives that were asked for are written.
pub async fn delete(local: &Local, output: Output, given: Delete) -> anyhow::Result<()> {
    match given.several.alone() {
        Some(slug) if given.archive_into.is_none() => delete_one(local, output, slug, &given).await,
        _ => delete_several(local, output, given).await,
    }
}

async fn delete_several(local: &Local, output: Output, given: Delete) -> anyhow::Result<()> {
    let Delete { several, confirm, archive, archive_into, recipient } = given;
    anyhow::ensure!(archive.is_none(), output.text("cli-several-into", &[]));
    let confirm = match confirm {
        None if std::io::stdin().is_terminal() => {
            let count = several.count(local).await?;
            Some(typed(&output.text("cli-bulk-delete-confirm", &[("count", count.into()), ("word", format!("delete {count}").into())]))?)
        }
        given => given,
    };
    let archive = archive_into.map(|folder| bulk::closing(recipient, &folder)).transpose()?;
    bulk::carry_out(local, output, &several, Act::Delete { confirm, archive }).await
}

async fn delete_one(local: &Local, output: Output, slug: &str, given: &Delete) -> anyhow::Result<()> {
    let (confirm, archive, recipient) = (given.confirm.clone(), given.archive.as_deref(), given.recipient.as_deref());
    let platform = local.platform().await?;
    let named = [("slug", slug.into())];
    let confirm = match confirm {
        None if std::io::stdin().is_terminal() => {
            let offer = if archive.is_none() { "cli-delete-without-archive" } else { "cli-delete-with-archive" };
            eprintln!("{}", output.text(offer, &named));
            Some(typed(&output.text("cli-delete-confirm", &named))?)
        }
        given => given,
    };
    establishments::check_confirmation(&platform, slug, confirm.as_deref()).await?;
    let saved = match archive {
        Some(file) => Some(archive::save(local, output, &One { slug, output: file, recipient, force: false }).await?),
        None => None,
    };
    establishments::delete(&platform, slug, confirm.as_deref()).await?;
    let told = saved.as_ref().map(|saved| archive::sentence(output, saved) + "\n").unwrap_or_default();
    let sentence = told + &output.text("cli-establishment-deleted", &named);
    output.done(&json!({ "deleted": slug, "archive": saved }), &sentence)
}

/// A line typed after a question.
pub(super) fn typed(question: &str) -> anyhow::Result<String> {
    eprint!("{question} ");
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}
