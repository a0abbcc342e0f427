//! What is wrong with a configuration, said so that its author can put it right. Values of secret settings never appear.

use std::fmt;
use std::path::PathBuf;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(
        "{}: the configuration file cannot be read ({source}). Give the right path to --config, or leave --config out to use the defaults.",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML. The parser's own error is not kept, because it quotes the line, which may hold a secret.
    #[error("{}, line {line}, column {column}: this is not valid TOML ({message}).", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault, from 1.
        column: usize,
        /// What the parser expected.
        message: String,
    },
    /// Settings are wrong: all of them, so that one start shows what there is to correct.
    #[error("{}", one_a_line(.0))]
    Settings(Vec<Problem>),
}

fn one_a_line(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

/// Where a setting was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the file.
    File {
        /// The file.
        path: PathBuf,
        /// Line of the setting, from 1.
        line: usize,
    },
    /// In an environment variable.
    Variable(String),
    /// By a command-line argument.
    Argument(&'static str),
    /// Nowhere: it is the default, which another setting contradicts.
    Default,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{}, line {line}", path.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Argument(name) => write!(f, "argument {name}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One wrong setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it was given.
    pub place: Place,
    /// Its key, with its section.
    pub key: String,
    /// What was given, as it may be shown; nothing when the key itself is the fault.
    pub given: Option<String>,
    /// What is wrong.
    pub reason: String,
    /// What would be right.
    pub accepted: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.key)?;
        if let Some(given) = &self.given {
            write!(f, " = {given}")?;
        }
        write!(f, " {}. {}", self.reason, self.accepted)
    }
}
