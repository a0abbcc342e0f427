//! `passerelle demo`: everything in one process, until Ctrl-C.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::args::Global;
use super::local::configuration;
use super::output::Output;
use super::serve::Stop;
use crate::config::Level;
use crate::demo::people::COUNT_DEFAULT;
use crate::demo::printed;
use crate::demo::run::{Demo, Wishes};

/// What the demo may be asked for.
#[derive(Debug, Args)]
pub struct Options {
    /// Where the gateway listens; port 0 takes a free one. The sample application takes the next port.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// How many people the generated directory has.
    #[arg(long, value_name = "N", default_value_t = COUNT_DEFAULT)]
    people: usize,
    /// A directory of your own, instead of the generated one.
    #[arg(long, value_name = "FILE", conflicts_with = "people")]
    ldif: Option<PathBuf>,
    /// Another redirect URI of the demo's clients; may be given several times.
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
}

/// Runs the demo.
pub async fn run(global: &Global, output: Output, options: Options) -> anyhow::Result<()> {
    let mut stop = Stop::listen()?;
    // The folder is the demo's own affair: without one it makes a temporary one, and not the configuration's.
    let mut config = configuration(global)?;
    if config.log.level == Level::default() {
        // People read the terminal; what the gateway says of its usual work would hide where to go.
        config.log.level = Level::Warn;
    }
    crate::telemetry::start(&config.log)?;
    let Options { listen, people, ldif, redirect_uris } = options;
    let wishes = Wishes { listen, data: global.data.clone(), people, ldif, redirect_uris };
    let mut demo = tokio::select! {
        started = Demo::start(config, &wishes) => started?,
        // Asked to stop before it began: what was made goes with the attempt.
        () = stop.asked() => return Ok(()),
    };
    let mut out = std::io::stdout();
    if output.is_json() {
        writeln!(out, "{}", printed::line(&demo))?;
    } else {
        write!(out, "{}", printed::welcome(&demo, output.locale()))?;
    }
    out.flush()?;
    tokio::select! {
        failed = demo.failed() => return failed,
        () = stop.asked() => {}
    }
    if !output.is_json() {
        writeln!(out, "\n  {}", output.text("demo-stopping", &[]))?;
    }
    demo.stop().await
}
