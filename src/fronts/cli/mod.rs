//! The command line: reads arguments, calls one service function a command, and prints tables or JSON.
//!
//! Exit codes: 0 done, 1 failed, 2 usage, 3 held by a guard.

mod application;
mod application_catalogue;
mod archive;
mod args;
mod assignment;
mod brought;
mod bulk;
mod check;
mod client;
mod demo;
mod establishment;
mod establishment_life;
mod exclusion;
mod explanation;
mod feed_request;
mod group;
mod held;
mod local;
mod operator;
mod outbox;
mod output;
mod proposal;
mod provisioning;
mod relation;
mod review;
mod routed;
mod rule;
mod rule_set;
mod run;
mod serve;
mod source;
mod source_check;
mod source_delete;
mod source_file;
mod source_shown;
mod source_told;
mod token;
mod unit;
mod user;
mod user_shown;
mod words;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{CommandFactory, Parser};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::{environment, variable};
use crate::services::error::Error;
use crate::types::locale::Locale;
use crate::types::merge_patch;
use args::{Cli, Command};
use local::Local;
use output::{Closed, Output, print_bytes, print_json};

/// Done.
const DONE: u8 = 0;
/// Failed.
const FAILED: u8 = 1;
/// Wrong usage.
const USAGE: u8 = 2;
/// Held by a guard until someone approves.
const HELD: u8 = 3;

/// Runs the command the arguments ask for.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => {
            let asked_for_help = usage.exit_code() == 0;
            // Nothing can be told when even printing fails.
            let _printed = usage.print();
            return ExitCode::from(if asked_for_help { DONE } else { USAGE });
        }
    };
    let outcome = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(anyhow::Error::from).and_then(|runtime| {
        let outcome = runtime.block_on(run(cli));
        // Hashing and signing under way are not waited for: nobody is there to read them.
        runtime.shutdown_background();
        outcome
    });
    match outcome {
        Ok(()) => ExitCode::from(DONE),
        Err(error) if error.is::<Closed>() => ExitCode::from(DONE),
        Err(error) => {
            eprintln!("passerelle: {}", told(&error));
            ExitCode::from(exit_code(&error))
        }
    }
}

/// What is told of a failure. Fields are named by the options that give them.
fn told(error: &anyhow::Error) -> String {
    let Some(Error::Invalid(fields)) = error.downcast_ref::<Error>() else { return with_options(&format!("{error:#}")) };
    let told = fields.iter().map(|field| format!("{}: {}", option(&field.field), with_options(&field.message)));
    told.collect::<Vec<_>>().join("; ")
}

/// A message with the options beside the settings that it names.
fn with_options(message: &str) -> String {
    let options = [
        ("give it as `token`", "give it as `token` (--secret-file FILE, or PASSERELLE_SCIM_SECRET)"),
        ("`client_secret` again", "`client_secret` again (--secret-file FILE, or PASSERELLE_SCIM_SECRET)"),
        ("give it again:", "give it again (--secret-file or --bind-password-file):"),
        ("Give the password again", "Give the password (--bind-password-file FILE, or PASSERELLE_BIND_PASSWORD) again"),
    ];
    options.into_iter().fold(message.to_owned(), |told, (name, with)| told.replacen(name, with, 1))
}

/// The option that gives a field of the contract; the field itself where none does.
fn option(field: &str) -> String {
    match field {
        "send_mail" => "--no-mail".to_owned(),
        "confirm" | "zone" | "uai" | "slug" | "number" | "locality" | "contact.email" | "contact.family_name" | "contact.given_name" => {
            format!("--{}", field.replace(['.', '_'], "-"))
        }
        _ => field.to_owned(),
    }
}

fn exit_code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<Error>() {
        Some(Error::Held(_)) => HELD,
        Some(Error::Invalid(_)) => USAGE,
        _ if error.is::<crate::config::ConfigError>() => USAGE,
        _ => FAILED,
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let output = Output::new(cli.global.json, locale());
    match cli.command {
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "passerelle", &mut script);
            print_bytes(&script)
        }
        Command::Demo(options) => Box::pin(demo::run(&cli.global, output, options)).await,
        Command::Serve => serve::run(&cli.global, output).await,
        Command::Establishment(command) => establishment::run(&Local::open(&cli.global, command.begins()).await?, output, command).await,
        Command::Source(command) => Box::pin(source::run(&Local::open(&cli.global, false).await?, output, command)).await,
        Command::Application(command) => application::run(&Local::open(&cli.global, false).await?, output, command).await,
        Command::Rule(command) => Box::pin(rule::run(&Local::open(&cli.global, false).await?, output, command)).await,
        Command::Assignment(command) => assignment::run(&Local::open(&cli.global, false).await?, output, command).await,
        Command::Relation(command) => relation::run(&Local::open(&cli.global, false).await?, output, command).await,
        Command::Unit(command) => unit::run(&Local::open(&cli.global, false).await?, output, command).await,
        Command::Review(command) => review::run(&Local::open(&cli.global, false).await?, output, command).await,
        Command::Group(command) => group::run(&Local::open(&cli.global, false).await?, output, command).await,
        Command::Token(command) => token::run(&Local::open(&cli.global, false).await?, output, command).await,
        Command::Check(options) => Box::pin(check::run(&cli.global, output, options)).await,
        Command::Openapi => print_json(&crate::fronts::api::openapi()),
        Command::Operator(command) => operator::run(&Local::open(&cli.global, command.begins()).await?, output, command).await,
        Command::User(command) => user::run(&Local::open(&cli.global, false).await?, output, command).await,
    }
}

/// The language of the terminal: `LC_ALL`, `LC_MESSAGES`, `LANG`, in that order (POSIX). Others than ours read English.
fn locale() -> Locale {
    let named = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(variable);
    named.and_then(|tag| Locale::from_tag(&tag)).unwrap_or(Locale::En)
}

/// An identifier, as lists show it.
fn identifier(raw: &str) -> Result<uuid::Uuid, String> {
    uuid::Uuid::parse_str(raw.trim()).map_err(|_| crate::i18n::text(locale(), "cli-no-id"))
}

/// The environment as the configuration reads it.
fn settings_environment() -> impl Iterator<Item = (String, String)> {
    environment()
}

/// Fields as a JSON merge patch would have them (RFC 7396).
fn patched<T: Serialize + DeserializeOwned>(standing: &impl Serialize, patch: &str) -> anyhow::Result<T> {
    let patch = serde_json::from_str(patch).context("the merge patch is not JSON")?;
    let wanted = merge_patch::apply(serde_json::to_value(standing)?, patch);
    serde_json::from_value(wanted).context("the merge patch does not fit")
}

/// A word of the contract, as the API writes it.
fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}
