//! The gate before every password check: counters in the store, for each account from each network, each account, and each network. It
//! delays, and never locks out: a stranger's failures weigh on the stranger's network long before they weigh on the account's owner.

use std::net::IpAddr;

use crate::services::context::Context;
use crate::services::error::Error;
use crate::store::Tx;
use crate::store::establishment::throttle;
use crate::types::fold_case;
use crate::types::secret::TokenHash;

/// Failures of an address, for each one an account may have: a whole school may stand behind one address.
const ADDRESS_FACTOR: i64 = 20;

/// Failures of an account from everywhere, for each one it may have from one network.
const ACCOUNT_FACTOR: i64 = 10;

/// One attempt's counters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counters {
    account_here: TokenHash,
    account: TokenHash,
    address: TokenHash,
}

impl Counters {
    /// The counters of a user name, known or not, and of an address.
    pub(super) fn of(username: &str, address: IpAddr) -> Self {
        Self {
            account_here: TokenHash::of(&format!("account:{}@{}", fold_case(username), network(address))),
            account: TokenHash::of(&format!("account:{}", fold_case(username))),
            address: TokenHash::of(&format!("address:{}", network(address))),
        }
    }
}

/// A person holds a whole IPv6 network of 64 bits, and would have as many tries as it has addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Counts an attempt as failed before it is looked at, so that attempts at the same time cannot pass together.
///
/// # Errors
/// `TooMany` while the account or the address has to wait; then the attempt must not be looked at.
pub(super) async fn admit(ctx: &Context, counters: Counters) -> Result<(), Error> {
    let limits = &ctx.gateway.limits;
    let window_since = ctx.now.plus_s(-i64::from(limits.sign_in_window_s));
    let until = ctx.now.plus_s(i64::from(limits.sign_in_delay_s));
    let attempts_max = i64::from(limits.sign_in_attempts_max);
    let bounds = [
        (counters.account_here, attempts_max),
        (counters.account, attempts_max * ACCOUNT_FACTOR),
        (counters.address, attempts_max * ADDRESS_FACTOR),
    ];
    let mut tx = ctx.store.begin().await?;
    for (key, _) in bounds {
        let waiting = throttle::find(&mut tx, key).await?.filter(|counter| counter.blocked_until > ctx.now);
        if let Some(counter) = waiting {
            let wait_s = counter.blocked_until.seconds().saturating_sub(ctx.now.seconds());
            return Err(Error::TooMany { retry_after_s: u32::try_from(wait_s).unwrap_or(limits.sign_in_delay_s) });
        }
    }
    for (key, max) in bounds {
        if throttle::count_failure(&mut tx, key, ctx.now, window_since).await? >= max {
            throttle::block(&mut tx, key, until).await?;
        }
    }
    Ok(tx.commit().await?)
}

/// Counts a refused client, by its name where there is such a one; all that are made up share a counter. A secret has 256 random bits, so there
/// is nothing to guess: the gate keeps an address from trying for ever, and writes nothing more once it is shut.
///
/// # Errors
/// `TooMany` once the address was refused too often.
pub async fn count_client_refusal(ctx: &Context, known: Option<&str>, address: IpAddr) -> Result<(), Error> {
    let limits = &ctx.gateway.limits;
    let key = match known {
        Some(client_id) => TokenHash::of(&format!("client:{client_id}:{}", network(address))),
        None => TokenHash::of(&format!("clients:{}", network(address))),
    };
    let window_since = ctx.now.plus_s(-i64::from(limits.sign_in_window_s));
    let refusals_max = i64::from(limits.sign_in_attempts_max) * ADDRESS_FACTOR;
    let too_many = Error::TooMany { retry_after_s: limits.sign_in_delay_s };
    let counted = throttle::find(&mut ctx.store.read().await?, key).await?;
    if counted.is_some_and(|counter| counter.failures > refusals_max && counter.window_started_at >= window_since) {
        return Err(too_many);
    }
    let mut tx = ctx.store.begin().await?;
    let failures = throttle::count_failure(&mut tx, key, ctx.now, window_since).await?;
    tx.commit().await?;
    if failures > refusals_max { Err(too_many) } else { Ok(()) }
}

/// Takes the attempt back, because it succeeded.
pub(super) async fn forgive_in(tx: &mut Tx, ctx: &Context, counters: Counters) -> Result<(), Error> {
    throttle::clear(tx, counters.account_here).await?;
    throttle::clear(tx, counters.account).await?;
    let address_max = i64::from(ctx.gateway.limits.sign_in_attempts_max) * ADDRESS_FACTOR;
    Ok(throttle::take_back(tx, counters.address, ctx.now, address_max).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let network_of = |raw: &str| raw.parse().map(network);
        assert_eq!(network_of("2001:db8:1:2:3:4:5:6"), network_of("2001:db8:1:2::9"));
        assert_ne!(network_of("2001:db8:1:3::9"), network_of("2001:db8:1:2::9"));
        assert_eq!(network_of("::ffff:192.0.2.7"), network_of("192.0.2.7"));
    }
}
