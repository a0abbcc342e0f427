//! The arguments, as `clap` reads them. Names are a contract: scripts rely on them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::{application, assignment, check, demo, establishment, group, operator, relation, review, rule, source, token, unit, user};

/// Passerelle: directories in, signed-in people with the right roles out. It speaks French or English: the language of LC_ALL, LC_MESSAGES or LANG.
#[derive(Debug, Parser)]
#[command(name = "passerelle", version, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The folder of the stores; wins over the configuration.
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Print JSON instead of tables.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Everything in one process, nothing to install: a directory, three establishments, a sample application.
    Demo(demo::Options),
    /// Serve sign-in, the OpenID provider and the admin API.
    Serve,
    /// Establishments of this installation.
    #[command(subcommand, arg_required_else_help = true)]
    Establishment(establishment::Command),
    /// The platform's own people; the first one too.
    #[command(subcommand, arg_required_else_help = true)]
    Operator(operator::Command),
    /// People of an establishment.
    #[command(subcommand, arg_required_else_help = true)]
    User(user::Command),
    /// Groups as sources state them, with their people.
    #[command(subcommand, arg_required_else_help = true)]
    Group(group::Command),
    /// Where people and groups come from.
    #[command(subcommand, arg_required_else_help = true)]
    Source(source::Command),
    /// Applications, their roles and their clients.
    #[command(subcommand, arg_required_else_help = true)]
    Application(application::Command),
    /// Which directory facts give which role.
    #[command(subcommand, arg_required_else_help = true)]
    Rule(rule::Command),
    /// Who holds which role.
    #[command(subcommand, arg_required_else_help = true)]
    Assignment(assignment::Command),
    /// Who stands in which relation to whom, such as the tutor of an apprentice.
    #[command(subcommand, arg_required_else_help = true)]
    Relation(relation::Command),
    /// Departments, classes and other units, as a tree.
    #[command(subcommand, arg_required_else_help = true)]
    Unit(unit::Command),
    /// Reviews: whether people are to keep what they hold.
    #[command(subcommand, arg_required_else_help = true)]
    Review(review::Command),
    /// Bearer tokens: of the admin API, and of SCIM feeds.
    #[command(subcommand, arg_required_else_help = true)]
    Token(token::Command),
    /// Look at configuration, machine, databases, stores, mail, keys and sources: what is wrong and what to do.
    Check(check::Options),
    /// Print the description of the admin API.
    Openapi,
    /// Print a completion script.
    Completions {
        /// The shell to complete in.
        shell: clap_complete::Shell,
    },
}

/// Which rows of a list.
#[derive(Debug, Args)]
pub struct Rows {
    /// Words to look for.
    #[arg(short, long, value_name = "WORDS")]
    pub query: Option<String>,
    /// Most rows printed.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub limit: usize,
}
