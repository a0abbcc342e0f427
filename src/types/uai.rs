//! The number of a French school.

use serde::Serialize;
use std::fmt;

use super::Invalid;

/// The check letters, indexed by the seven digits modulo 23: I, O and Q are unused.
const LETTERS: &[u8; 23] = b"ABCDEFGHJKLMNPRSTUVWXYZ";

/// Unité administrative immatriculée: seven digits and a check letter (`n mod 23` in `ABCDEFGHJKLMNPRSTUVWXYZ`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Uai(String);

impl Uai {
    /// Accepts lower case and surrounding spaces.
    ///
    /// # Errors
    /// `Invalid` when the form is wrong or the letter does not match the digits.
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let code = raw.trim().to_ascii_uppercase();
        let form = || Invalid::new("uai", format!("«{raw}» is not a UAI: seven digits and a check letter, for instance 0751717J"));
        let (digits, letter) = code.split_at_checked(7).ok_or_else(form)?;
        if letter.len() != 1 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(form());
        }
        let number: usize = digits.parse().map_err(|_| form())?;
        let expected = LETTERS.get(number % LETTERS.len()).copied().map_or('?', char::from);
        if letter.starts_with(expected) {
            Ok(Self(code))
        } else {
            Err(Invalid::new(
                "uai",
                format!("«{code}» has the wrong check letter: {digits} takes {expected}, so {digits}{expected}; check the digits too"),
            ))
        }
    }

    /// The code in capitals.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Uai {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_codes_pass_in_any_case() {
        for code in ["0751717J", "0870003F", "0400740M", " 0751717j "] {
            assert!(Uai::parse(code).is_ok(), "{code}");
        }
    }

    #[test]
    fn wrong_letter_names_the_right_one() {
        let refused = Uai::parse("0751717K").map_err(|e| e.message);
        assert!(refused.is_err_and(|m| m.contains("0751717J")));
    }

    #[test]
    fn other_forms_are_refused() {
        for code in ["", "0751717", "075171JJ", "0751717JJ", "٠٧٥١٧١٧J", "éééé"] {
            assert!(Uai::parse(code).is_err(), "{code}");
        }
    }
}
