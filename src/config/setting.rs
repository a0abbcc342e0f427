//! What one setting is: its key, what it accepts, what it is for. The checks, the messages and the reference page all read this.

use std::fmt;

use toml::Value;

/// One setting as it is documented and checked.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its key, with its section: `limits.body_max_bytes`.
    pub key: &'static str,
    /// What it accepts.
    pub accepted: Accepted,
    /// What it is for, in a sentence or two.
    pub meaning: &'static str,
}

/// The values a setting accepts.
#[derive(Clone, Copy, Debug)]
pub enum Accepted {
    /// A whole number, both bounds included.
    Number {
        /// The least.
        min: u32,
        /// The greatest.
        max: u32,
        /// What is counted; empty for a number that counts nothing.
        unit: &'static str,
    },
    /// One of a few words.
    OneOf(&'static [&'static str]),
    /// A text of a certain form.
    Text {
        /// The form in words.
        form: &'static str,
        /// Says what is wrong with a text.
        check: fn(&str) -> Result<(), String>,
        /// Whether the value must never be shown.
        secret: bool,
    },
}

impl fmt::Display for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number { min, max, unit: "" } => write!(f, "a whole number from {min} to {max}"),
            Self::Number { min, max, unit } => write!(f, "a whole number of {unit} from {min} to {max}"),
            Self::OneOf(words) => write!(f, "one of: {}", words.join(", ")),
            Self::Text { form, .. } => f.write_str(form),
        }
    }
}

impl Setting {
    /// The environment variable that sets it: `PASSERELLE__LIMITS__BODY_MAX_BYTES`.
    pub fn variable(&self) -> String {
        variable_of(self.key)
    }

    /// Checks a value.
    ///
    /// # Errors
    /// What is wrong with it, to stand after "key = value".
    pub(super) fn check(&self, value: &Value) -> Result<(), String> {
        match (&self.accepted, value) {
            (Accepted::Number { min, max, .. }, Value::Integer(number)) => {
                if *number < i64::from(*min) {
                    return Err("is too small".to_owned());
                }
                if *number > i64::from(*max) {
                    return Err("is too large".to_owned());
                }
                Ok(())
            }
            (Accepted::OneOf(words), Value::String(word)) if words.contains(&word.as_str()) => Ok(()),
            (Accepted::Text { check, .. }, Value::String(text)) => check(text),
            _ => Err("is not accepted".to_owned()),
        }
    }

    /// The value as a message may show it: on one line, short, without secrets.
    pub(super) fn shown(&self, value: &Value) -> String {
        if let Accepted::Text { secret: true, .. } = self.accepted {
            return "(hidden)".to_owned();
        }
        let text = match value {
            Value::String(text) => format!("{:?}", without_credentials(text)),
            Value::Table(_) => "a table".to_owned(),
            Value::Array(_) => "a list".to_owned(),
            other => other.to_string(),
        };
        shortened(&text)
    }
}

/// The environment variable of a key.
pub(super) fn variable_of(key: &str) -> String {
    format!("{}{}", super::sources::PREFIX, key.replace('.', "__").to_uppercase())
}

/// Longest value shown in a message, in characters.
const SHOWN_LENGTH_MAX: usize = 80;

fn shortened(text: &str) -> String {
    if text.chars().count() <= SHOWN_LENGTH_MAX {
        return text.to_owned();
    }
    text.chars().take(SHOWN_LENGTH_MAX).chain(['…']).collect()
}

/// A URL may carry a password before its host: what stands before the last `@` is not shown.
pub(super) fn without_credentials(text: &str) -> String {
    match (text.split_once("//"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}//(hidden)@{rest}"),
        _ => text.to_owned(),
    }
}
