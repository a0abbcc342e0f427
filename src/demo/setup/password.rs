//! Passwords of the demo's local people: drawn at each start, short enough to be typed, and chosen by a one-time link like anyone's.

use anyhow::Context as _;

use crate::services::context::Context;
use crate::services::links::{self, Link};
use crate::types::secret::{Secret, fill_random};

/// Characters that are not taken for one another when read from a terminal: 32 of them, so that each stands for five random bits.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Characters of a password: 80 random bits.
const LENGTH: usize = 16;
/// Characters between two hyphens.
const GROUP: usize = 4;

/// Uses a one-time link to choose a password.
pub(super) async fn choose(ctx: &Context, link: &Link) -> anyhow::Result<Secret> {
    // The link was made a moment ago for this very purpose; nobody else sees it.
    let token = link.url.expose().rsplit('/').next().context("a one-time link ends in its token")?;
    let password = draw()?;
    links::choose_password(ctx, token, password.clone()).await?;
    Ok(password)
}

/// A new password such as `k3vd-9wqa-x2mf-t7hp`.
pub(super) fn draw() -> anyhow::Result<Secret> {
    let mut bytes = [0_u8; LENGTH];
    fill_random(&mut bytes);
    let mut text = String::with_capacity(LENGTH + LENGTH / GROUP);
    for (place, byte) in bytes.iter().enumerate() {
        if place > 0 && place % GROUP == 0 {
            text.push('-');
        }
        let letter = LETTERS.get(usize::from(*byte) % LETTERS.len()).copied().unwrap_or(b'x');
        text.push(char::from(letter));
    }
    Ok(Secret::parse("password", text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_differ_and_are_easy_to_read() -> anyhow::Result<()> {
        let (one, other) = (draw()?, draw()?);
        assert!(!one.matches(other.expose()));
        assert_eq!(one.expose().len(), 19);
        assert!(one.expose().chars().all(|c| c == '-' || (c.is_ascii_alphanumeric() && !"lo01".contains(c))));
        Ok(())
    }
}
