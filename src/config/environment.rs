//! The process environment: read here and nowhere else. It parses nothing.

/// The whole environment; a value that is not UTF-8 has its wrong bytes replaced, so that checking it names the variable.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
}

/// One variable that is not a setting (`LANG`, `NO_COLOR`, a passphrase), when it is set, not empty and UTF-8.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
