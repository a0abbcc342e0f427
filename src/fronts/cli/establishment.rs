//! `passerelle establishment …`

use clap::{Args, Subcommand};
use serde_json::json;
use uuid::Uuid;

use super::archive;
use super::args::Rows;
use super::bulk::{self, Several};
use super::local::Local;
use super::outbox;
use super::output::{Output, beside, collect, or_dash, print_line};
use super::{establishment_life, word};
use crate::services::bulk::Act;
use crate::services::establishments::{self, NewContact, NewEstablishment};
use crate::store::registry::establishment::{Establishment, Filter};
use crate::store::registry::zone::Zone;

/// What to do with establishments.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make one; mails the one-time link of its first administrator to the contact, or prints it.
    Create(Create),
    /// List them.
    List {
        #[command(flatten)]
        rows: Rows,
        /// Only those of this state: active or blocked.
        #[arg(long, value_parser = ["active", "blocked"])]
        status: Option<String>,
        /// Only those of this zone.
        #[arg(long)]
        zone: Option<String>,
    },
    /// Show one.
    Show {
        /// Its slug.
        slug: String,
    },
    /// Change its name, number, UAI, zone, locality or contact.
    Edit(establishment_life::Edit),
    /// Block one or several: nobody of them signs in, their sessions and tokens end at once.
    Block(Several),
    /// Show again what applications made of a blocking.
    Receipt {
        /// Its slug.
        slug: String,
        /// The batch that the blocking printed.
        batch: Uuid,
    },
    /// Let people of blocked ones sign in again.
    Unblock(Several),
    /// Write a letter to one or several.
    Mail(bulk::Mail),
    /// Count one or several: people, sign-ins, sessions, what they take, their last sync.
    Stats(Several),
    /// List who administers one.
    Administrators {
        /// Its slug.
        slug: String,
    },
    /// Give an administrator's access back: a one-time link is mailed to the contact.
    Reset(establishment_life::Reset),
    /// What one sends: letters and notices to applications that wait, were sent or were given up.
    Outbox(outbox::Wanted),
    /// Send again what was given up.
    OutboxRetry {
        /// The establishment's slug; `platform` for the platform's own.
        slug: String,
        /// Its identifier.
        id: String,
    },
    /// Archives.
    #[command(flatten)]
    Archive(archive::Command),
    /// Delete one or several with everyone and everything in them, for good.
    Delete(establishment_life::Delete),
    /// The zones establishments may lie in.
    Zone {
        /// Add this zone, as NAME=TITLE, or give it another title.
        #[arg(long, value_name = "NAME=TITLE", value_parser = titled)]
        set: Option<Zone>,
        /// Take this zone off the list.
        #[arg(long, value_name = "NAME")]
        remove: Option<String>,
    },
}

impl Command {
    /// Whether the command may begin an installation.
    pub fn begins(&self) -> bool {
        matches!(self, Self::Create(_) | Self::Zone { set: Some(_), .. } | Self::Archive(archive::Command::Import(_)))
    }
}

/// What a new establishment is.
#[derive(Debug, Args)]
pub struct Create {
    /// What people read, for instance "Collège Jean Jaurès".
    pub name: String,
    /// Its name in addresses; made of the name when left out.
    #[arg(long)]
    slug: Option<String>,
    /// Its number; the next one when left out.
    #[arg(long)]
    number: Option<i64>,
    /// Its official number, when it has one.
    #[arg(long)]
    uai: Option<String>,
    /// A zone of the operator's list.
    #[arg(long)]
    zone: Option<String>,
    /// Postcode and town.
    #[arg(long)]
    locality: Option<String>,
    /// The contact's family name.
    #[arg(long)]
    contact_family_name: Option<String>,
    /// The contact's given name.
    #[arg(long)]
    contact_given_name: Option<String>,
    /// The contact's address; also the first administrator's user name.
    #[arg(long)]
    contact_email: Option<String>,
    /// Mail nothing: print the first administrator's link instead.
    #[arg(long)]
    no_mail: bool,
}

/// Carries a command out.
pub async fn run(local: &Local, output: Output, command: Command) -> anyhow::Result<()> {
    let platform = local.platform().await?;
    match command {
        Command::Create(new) => create(local, output, new).await,
        Command::List { rows, status, zone } => {
            let filter = Filter { zone, status, ..Filter::default() };
            let found =
                collect(rows.limit, rows.query.as_deref(), async |page| Ok(establishments::list(&platform, &page, &filter).await?)).await?;
            let columns = ["cli-number", "cli-slug", "cli-name", "cli-uai", "cli-zone", "cli-locality", "cli-placement", "cli-status"];
            output.list(&found, &columns, |e| {
                let (uai, zone, locality) = (or_dash(e.uai.as_ref()), or_dash(e.zone.as_ref()), or_dash(e.locality.as_ref()));
                vec![e.number.to_string(), e.slug.clone(), e.name.clone(), uai, zone, locality, e.placement.clone(), shown(e)]
            })
        }
        Command::Edit(given) => establishment_life::edit(local, output, given).await,
        Command::Block(several) => establishment_life::block(local, output, &several).await,
        Command::Receipt { slug, batch } => establishment_life::receipt(local, output, &slug, batch).await,
        Command::Unblock(several) => establishment_life::unblock(local, output, &several).await,
        Command::Mail(wanted) => bulk::mail(local, output, wanted).await,
        Command::Stats(several) => bulk::carry_out(local, output, &several, Act::Stats).await,
        Command::Administrators { slug } => establishment_life::administrators(local, output, &slug).await,
        Command::Delete(given) => establishment_life::delete(local, output, given).await,
        Command::Reset(given) => establishment_life::reset(local, output, given).await,
        Command::Show { slug } => {
            let shown = establishments::show(&local.establishment(&slug).await?).await?;
            show(output, &shown)
        }
        Command::Outbox(wanted) => outbox::list(local, output, wanted).await,
        Command::OutboxRetry { slug, id } => outbox::retry(local, output, &slug, &id).await,
        Command::Archive(command) => archive::run(local, output, command).await,
        Command::Zone { set, remove } => {
            if let Some(zone) = set {
                establishments::save_zone(&platform, &zone).await?;
            }
            if let Some(name) = remove {
                establishments::delete_zone(&platform, &name).await?;
            }
            let zones = establishments::zones(&platform).await?;
            output.list(&zones, &["cli-zone", "cli-title"], |z| vec![z.name.clone(), z.title.clone()])
        }
    }
}

async fn create(local: &Local, output: Output, new: Create) -> anyhow::Result<()> {
    let contact = NewContact { family_name: new.contact_family_name, given_name: new.contact_given_name, email: new.contact_email };
    let Create { name, slug, number, uai, zone, locality, no_mail, .. } = new;
    let new = NewEstablishment { name, slug, number, uai, zone, locality, contact, send_mail: no_mail.then_some(false) };
    let made = establishments::create(&local.platform().await?, &new).await?;
    let administrator = json!({ "id": made.administrator.id, "username": made.administrator.username });
    if !output.is_json() {
        show(output, &made.establishment)?;
    }
    let who = &made.administrator.username;
    match (&made.link, &made.mailed_to) {
        (Some(link), _) => {
            let warning = output.text("establishment-not-transmitted", &[]);
            let shown = json!({ "url": link.url.expose(), "expires_at": link.expires_at });
            let more = [("administrator", administrator), ("link", shown), ("not_transmitted", warning.clone().into())];
            output.link(&beside(&made.establishment, more)?, "cli-first-administrator", who, link)?;
            if output.is_json() { Ok(()) } else { print_line(&warning) }
        }
        (None, mailed_to) => {
            let to = mailed_to.clone().unwrap_or_default();
            let sentence = output.text("cli-first-administrator-mailed", &[("name", who.as_str().into()), ("email", to.clone().into())]);
            let more = [("administrator", administrator), ("mailed_to", to.into())];
            output.done(&beside(&made.establishment, more)?, &sentence)
        }
    }
}

/// Prints one.
pub(super) fn show(output: Output, e: &Establishment) -> anyhow::Result<()> {
    let contact = [e.contact.given_name.as_deref(), e.contact.family_name.as_deref(), e.contact.email.as_deref()];
    let contact = contact.into_iter().flatten().collect::<Vec<_>>().join(" ");
    output.thing(
        e,
        &[
            ("cli-number", e.number.to_string()),
            ("cli-slug", e.slug.clone()),
            ("cli-name", e.name.clone()),
            ("cli-uai", or_dash(e.uai.as_ref())),
            ("cli-zone", or_dash(e.zone.as_ref())),
            ("cli-locality", or_dash(e.locality.as_ref())),
            ("cli-placement", e.placement.clone()),
            ("cli-contact", if contact.is_empty() { "–".to_owned() } else { contact }),
            ("cli-status", shown(e)),
            ("cli-created", e.created_at.to_string()),
        ],
    )
}

/// A zone as it is typed.
fn titled(pair: &str) -> Result<Zone, String> {
    let (name, title) = pair.split_once('=').ok_or("a zone is written NAME=TITLE, for instance \"caen=Académie de Caen\"")?;
    Ok(Zone { name: name.trim().to_owned(), title: title.trim().to_owned() })
}

/// The state as scripts and filters name it.
fn shown(e: &Establishment) -> String {
    word(e.status)
}
