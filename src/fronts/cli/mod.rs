//! The command line.

use std::process::ExitCode;

/// Runs the command the arguments ask for.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
