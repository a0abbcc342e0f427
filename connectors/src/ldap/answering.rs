//! Which of a source's servers is tried first, and whether any is asked about passwords at all. Opens no connection.
//!
//! The server that answered last is tried first: cookies and update numbers are a server's own, and one that is down is not tried at each step.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::error::Cause;
use super::settings::Url;

/// After so many sign-ins in a row that no server answered, the next ones are refused at once.
const UNANSWERED_MAX: u32 = 3;
/// For how long, at first; each further one in vain doubles it.
const REST_MIN: Duration = Duration::from_secs(5);
/// The longest such rest.
const REST_MAX: Duration = Duration::from_mins(1);

/// Which server answered last: to readers, and to those who check passwords.
#[derive(Debug, Default)]
pub(super) struct Servers {
    pub(super) reading: Favourite,
    pub(super) sign_in: Favourite,
    pub(super) breaker: Breaker,
}

/// The place of a server in `urls`.
#[derive(Debug, Default)]
pub(super) struct Favourite(AtomicUsize);

impl Favourite {
    /// Every server, the favourite first, the others in their order.
    pub(super) fn first<'a>(&self, urls: &'a [Url]) -> impl Iterator<Item = &'a Url> + use<'a> {
        let place = self.0.load(Ordering::Relaxed);
        let others = urls.iter().enumerate().filter(move |(at, _)| *at != place).map(|(_, url)| url);
        urls.get(place).into_iter().chain(others)
    }

    /// From now on this one is tried first.
    pub(super) fn answered(&self, urls: &[Url], server: &Url) {
        self.prefer(urls, &server.text);
    }

    /// From now on the server of this address is tried first, if it is one of them.
    pub(super) fn prefer(&self, urls: &[Url], server: &str) {
        if let Some(place) = urls.iter().position(|url| url.text == server) {
            self.0.store(place, Ordering::Relaxed);
        }
    }

    /// The address of the server that is tried first.
    pub(super) fn address<'a>(&self, urls: &'a [Url]) -> Option<&'a str> {
        urls.get(self.0.load(Ordering::Relaxed)).map(|url| url.text.as_str())
    }
}

/// Refuses at once what would only be waited for in vain; now and then it lets one through, to see whether somebody answers again.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<Unanswered>);

#[derive(Debug, Default)]
struct Unanswered {
    in_a_row: u32,
    rests_until: Option<Instant>,
}

impl Breaker {
    /// Whether one may be tried now. When it may after a rest, the others wait for what becomes of it, for `trial` at the most.
    ///
    /// # Errors
    /// How long nobody is tried.
    pub(super) fn admit(&self, now: Instant, trial: Duration) -> Result<(), Duration> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.rests_until {
            Some(until) if until > now => Err(until - now),
            Some(_) => {
                state.rests_until = Some(now + trial);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Somebody answered, whatever was said.
    pub(super) fn answered(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Unanswered::default();
    }

    /// Nobody answered.
    pub(super) fn unanswered(&self, now: Instant) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.in_a_row = state.in_a_row.saturating_add(1);
        if let Some(beyond) = state.in_a_row.checked_sub(UNANSWERED_MAX) {
            let rest = REST_MIN.saturating_mul(1_u32.checked_shl(beyond).unwrap_or(u32::MAX)).min(REST_MAX);
            state.rests_until = Some(now + rest);
        }
    }
}

/// Whether a failure means that the server did not do its part at all, rather than refused something.
pub(super) fn is_unanswered(cause: &Cause) -> bool {
    matches!(
        cause,
        Cause::UnknownHost(_)
            | Cause::Unreachable { .. }
            | Cause::ClosedAtOnce
            | Cause::Dropped(_)
            | Cause::Silent { .. }
            | Cause::Notice { .. }
            | Cause::Busy { .. }
            | Cause::Handshake(_)
            | Cause::NotTls
            | Cause::TlsPort
            | Cause::Malformed(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIAL: Duration = Duration::from_secs(5);

    #[test]
    fn after_three_in_vain_the_next_are_refused_at_once_and_one_tries_again() {
        let (breaker, begun) = (Breaker::default(), Instant::now());
        for _ in 0..3 {
            assert_eq!(breaker.admit(begun, TRIAL), Ok(()));
            breaker.unanswered(begun);
        }
        assert_eq!(breaker.admit(begun, TRIAL), Err(REST_MIN));
        let later = begun + REST_MIN;
        assert_eq!(breaker.admit(later, TRIAL), Ok(()), "one tries");
        assert_eq!(breaker.admit(later, TRIAL), Err(TRIAL), "and the others wait for what becomes of it");
        breaker.unanswered(later);
        assert_eq!(breaker.admit(later, TRIAL), Err(REST_MIN * 2), "in vain: a longer rest");
        breaker.answered();
        assert_eq!(breaker.admit(later, TRIAL), Ok(()));
        assert_eq!(breaker.admit(later, TRIAL), Ok(()));
    }

    #[test]
    fn one_answer_in_between_counts_from_the_beginning() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..2 {
            breaker.unanswered(now);
        }
        breaker.answered();
        for _ in 0..2 {
            breaker.unanswered(now);
        }
        assert_eq!(breaker.admit(now, TRIAL), Ok(()));
        for _ in 0..200 {
            breaker.unanswered(now);
        }
        assert_eq!(breaker.admit(now, TRIAL), Err(REST_MAX));
    }
}
