//! `passerelle application client …`: relying parties.

use clap::{Args, Subcommand};
use serde_json::json;

use super::local::Local;
use super::output::{Output, beside, collect, or_dash, print_json};
use crate::services::clients::{self, ClientFields};
use crate::store::establishment::client::Filter;
use crate::types::page::PageRequest;
use crate::types::secret::Secret;

/// What to do with clients. EST is the slug of an establishment.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Register a client; its secret is shown once.
    Create(Create),
    /// List clients.
    List {
        /// The establishment.
        est: String,
    },
    /// Show a client.
    Show(Named),
    /// Change a client by a JSON merge patch, for instance '{"consent":"skip"}'.
    Edit {
        #[command(flatten)]
        named: Named,
        /// The merge patch (RFC 7396).
        patch: String,
    },
    /// Give a client another secret; the old one ends at once.
    Rotate(Named),
    /// Remove a client with everything it was granted.
    Delete(Named),
}

/// A client of an establishment.
#[derive(Debug, Args)]
pub struct Named {
    /// The establishment.
    est: String,
    /// The client's identifier.
    client_id: String,
}

/// What a new client is.
#[derive(Debug, Args)]
pub struct Create {
    /// The establishment.
    est: String,
    /// What people read on the consent page.
    name: String,
    /// The application whose roles it gets.
    #[arg(long)]
    application: Option<String>,
    /// Where people are sent back to; repeatable, compared to the letter.
    #[arg(long = "redirect-uri", required = true)]
    redirect_uris: Vec<String>,
    /// Where people may be sent after a sign-out; repeatable.
    #[arg(long = "post-logout-redirect-uri")]
    post_logout_redirect_uris: Vec<String>,
    /// Where the client hears of sign-outs: https, at an address that is not private.
    #[arg(long)]
    backchannel_logout_uri: Option<String>,
    /// The client must be told which session ended, and not only whose.
    #[arg(long, requires = "backchannel_logout_uri")]
    backchannel_logout_session_required: bool,
    /// A client that cannot keep a secret: a script in a browser, a program on a telephone.
    #[arg(long)]
    public: bool,
    /// Do not ask people for consent: the establishment trusts the client.
    #[arg(long)]
    trusted: bool,
    /// Further fields, as a JSON merge patch over the defaults.
    #[arg(long)]
    fields: Option<String>,
}

/// Carries a command out.
pub async fn run(local: &Local, output: Output, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create(new) => create(local, output, new).await,
        Command::List { est } => {
            let ctx = local.establishment(&est).await?;
            let filter = Filter::default();
            let found = collect(usize::MAX, None, async |page: PageRequest| Ok(clients::list(&ctx, &page, &filter).await?)).await?;
            output.list(&found, &["cli-client", "cli-name", "cli-application", "cli-enabled"], |c| {
                vec![c.client_id.clone(), c.name.clone(), or_dash(c.application.as_ref()), c.enabled.to_string()]
            })
        }
        Command::Show(named) => print_json(&clients::get(&local.establishment(&named.est).await?, &named.client_id).await?),
        Command::Edit { named, patch } => {
            let ctx = local.establishment(&named.est).await?;
            let standing = clients::get(&ctx, &named.client_id).await?;
            let fields = super::patched(&ClientFields::from(&standing), &patch)?;
            let (client, secret) = clients::update(&ctx, &standing, &fields).await?;
            print_json(&beside(&client, [("client_secret", secret.as_ref().map(Secret::expose).into())])?)
        }
        Command::Rotate(named) => {
            let (_, secret) = clients::rotate_secret(&local.establishment(&named.est).await?, &named.client_id).await?;
            let value = json!({ "client_id": named.client_id, "client_secret": secret.expose() });
            // The secret is meant for the person at the terminal; the store keeps its hash only.
            output.done(&value, &format!("{}\n\n  {}\n", output.text("cli-client-secret", &[]), secret.expose()))
        }
        Command::Delete(named) => {
            clients::delete(&local.establishment(&named.est).await?, &named.client_id).await?;
            output.done(&json!({ "deleted": named.client_id }), &output.text("cli-client-deleted", &[]))
        }
    }
}

async fn create(local: &Local, output: Output, new: Create) -> anyhow::Result<()> {
    let ctx = local.establishment(&new.est).await?;
    let fields = json!({
        "name": new.name,
        "application": new.application,
        "redirect_uris": new.redirect_uris,
        "post_logout_redirect_uris": new.post_logout_redirect_uris,
        "backchannel_logout_uri": new.backchannel_logout_uri,
        "backchannel_logout_session_required": new.backchannel_logout_session_required,
        "token_endpoint_auth_method": if new.public { "none" } else { "client_secret_basic" },
        "consent": if new.trusted { "skip" } else { "ask" },
    });
    let fields: ClientFields = match &new.fields {
        Some(patch) => super::patched(&fields, patch)?,
        None => serde_json::from_value(fields)?,
    };
    let (client, secret) = clients::create(&ctx, &fields).await?;
    let value = beside(&client, [("client_secret", secret.as_ref().map(Secret::expose).into())])?;
    let issuer = ctx.issuer();
    let sentence = output.text("cli-client-created", &[("id", client.client_id.as_str().into()), ("issuer", issuer.as_str().into())]);
    let shown = secret.map(|s| format!("\n{}\n\n  {}\n", output.text("cli-client-secret", &[]), s.expose())).unwrap_or_default();
    output.done(&value, &format!("{sentence}{shown}"))
}
