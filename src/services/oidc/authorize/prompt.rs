//! Which pages the client wants shown (Core §3.1.2.1, `prompt`).

use std::fmt;

use super::{Parameters, Refusal};

/// One value of `prompt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// Show nothing: answer at once or with an error.
    None,
    /// Sign in again, though a session lives.
    Login,
    /// Ask for consent again.
    Consent,
    /// Let the person choose who to be.
    SelectAccount,
}

impl Prompt {
    const ALL: [Self; 4] = [Self::None, Self::Login, Self::Consent, Self::SelectAccount];

    const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Login => "login",
            Self::Consent => "consent",
            Self::SelectAccount => "select_account",
        }
    }
}

/// A set of prompts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prompts([bool; 4]);

impl Prompts {
    /// Whether the set holds a value.
    pub fn contains(self, prompt: Prompt) -> bool {
        Prompt::ALL.into_iter().zip(self.0).any(|(p, held)| held && p == prompt)
    }

    fn with(self, prompt: Prompt) -> Self {
        let mut held = self.0;
        for (p, slot) in Prompt::ALL.into_iter().zip(held.iter_mut()) {
            *slot |= p == prompt;
        }
        Self(held)
    }
}

impl FromIterator<Prompt> for Prompts {
    fn from_iter<I: IntoIterator<Item = Prompt>>(prompts: I) -> Self {
        prompts.into_iter().fold(Self::default(), Self::with)
    }
}

impl fmt::Display for Prompts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Prompt::ALL.into_iter().filter(|p| self.contains(*p)).map(Prompt::name).collect();
        f.write_str(&names.join(" "))
    }
}

pub(super) fn check(parameters: &Parameters) -> Result<Prompts, Refusal> {
    let Some(raw) = parameters.get("prompt") else { return Ok(Prompts::default()) };
    let names: Vec<_> = raw.split(' ').filter(|n| !n.is_empty()).collect();
    if names.contains(&"none") && names.iter().any(|n| *n != "none") {
        return Err(Refusal::invalid("prompt none stands alone"));
    }
    names
        .into_iter()
        .map(|name| Prompt::ALL.into_iter().find(|p| p.name() == name))
        .collect::<Option<Prompts>>()
        .ok_or_else(|| Refusal::invalid("prompt takes none, login, consent and select_account"))
}
