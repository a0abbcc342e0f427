//! Attempts are counted before they are looked at, in the store, and nobody is locked out for good (SECURITY 17).

use std::net::IpAddr;

use futures::future::join_all;
use passerelle::services::context::Context;
use passerelle::services::error::Error;
use passerelle::services::login::attempt::{Attempt, Outcome, sign_in};
use passerelle::services::login::browser::Browser;

use crate::harness::gateway::PASSWORD;
use crate::harness::relying_party::{Agent, RelyingParty};
use crate::harness::server::{Place, TestServer};

const ATTEMPTS_MAX: u32 = 3;

async fn stage() -> (TestServer, Place) {
    let server = TestServer::start_with(|config| config.limits.sign_in_attempts_max = ATTEMPTS_MAX).await;
    let place = server.establishment("Lycée A").await;
    place.with_password().await;
    (server, place)
}

async fn attempt(ctx: &Context, username: &str, password: &str, address: [u8; 4]) -> Result<Outcome, Error> {
    let browser = Browser::new();
    let address = IpAddr::from(address);
    sign_in(ctx, &Attempt { username, password, address, browser: &browser, session: None, interaction: None }).await
}

#[tokio::test]
async fn after_too_many_failures_even_the_right_password_waits_and_then_works() {
    let (_server, place) = stage().await;
    for (username, at) in [("elodie", 1), ("nobody", 2)] {
        for _ in 0..ATTEMPTS_MAX {
            assert!(matches!(attempt(&place.ctx, username, "wrong", [192, 0, 2, at]).await, Ok(Outcome::Wrong)));
        }
        // Letter case makes no other account; and a name that nobody has is treated alike.
        let again = attempt(&place.ctx, &username.to_uppercase(), PASSWORD, [192, 0, 2, at]).await;
        assert!(matches!(again, Err(Error::TooMany { retry_after_s: 1..=30 })), "{username}: {again:?}");
    }
    let later = Context { now: place.ctx.now.plus_s(31), ..place.ctx.clone() };
    assert!(matches!(attempt(&later, "elodie", PASSWORD, [192, 0, 2, 1]).await, Ok(Outcome::SignedIn(_))));
    // The success wiped the account's slate.
    for _ in 0..ATTEMPTS_MAX {
        assert!(matches!(attempt(&later, "elodie", "wrong", [192, 0, 2, 1]).await, Ok(Outcome::Wrong)));
    }
}

#[tokio::test]
async fn a_strangers_failures_do_not_keep_the_owner_out() {
    let (_server, place) = stage().await;
    for _ in 0..ATTEMPTS_MAX + 5 {
        let _refused = attempt(&place.ctx, "elodie", "wrong", [203, 0, 113, 9]).await;
    }
    assert!(matches!(attempt(&place.ctx, "elodie", PASSWORD, [203, 0, 113, 9]).await, Err(Error::TooMany { .. })));
    assert!(matches!(attempt(&place.ctx, "elodie", PASSWORD, [192, 0, 2, 1]).await, Ok(Outcome::SignedIn(_))));
}

#[tokio::test]
async fn guesses_from_many_networks_wait_too() {
    let (_server, place) = stage().await;
    for at in 0..ATTEMPTS_MAX * 10 {
        let network = [198, 51, 100, u8::try_from(at).unwrap()];
        assert!(matches!(attempt(&place.ctx, "elodie", "wrong", network).await, Ok(Outcome::Wrong)), "{at}");
    }
    assert!(matches!(attempt(&place.ctx, "elodie", PASSWORD, [192, 0, 2, 1]).await, Err(Error::TooMany { .. })));
}

#[tokio::test]
async fn the_page_says_how_long_to_wait() {
    let (_server, place) = stage().await;
    let (_, secret) = place.client("app", |_| {}).await;
    let party = RelyingParty::new(&place, "app", secret);
    let mut agent = Agent::new(&place);
    let page = agent.open(&party.authorize(&[])).await;
    let fields = [("username", "elodie"), ("password", "wrong")];
    for _ in 0..ATTEMPTS_MAX {
        assert_eq!(agent.submit(&page, &fields).await.status, 401);
    }
    let refused = agent.submit(&page, &[("username", "elodie"), ("password", PASSWORD)]).await;
    assert_eq!(refused.status, 429);
    assert!(refused.header("retry-after").unwrap().parse::<u32>().unwrap() <= 30);
    assert!(refused.text.contains("id=\"error\"") && agent.session(&place).is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guesses_at_the_same_time_cannot_pass_the_gate_together() {
    let (_server, place) = stage().await;
    let answers = join_all((0..64).map(|_| attempt(&place.ctx, "elodie", "wrong", [192, 0, 2, 1]))).await;
    let looked_at = answers.iter().filter(|answer| matches!(answer, Ok(Outcome::Wrong))).count();
    assert_eq!(looked_at, usize::try_from(ATTEMPTS_MAX).unwrap());
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Outcome::Wrong) | Err(Error::TooMany { .. }))));
}

#[tokio::test]
async fn one_address_that_tries_many_names_waits_as_well() {
    let (_server, place) = stage().await;
    let mut refused = 0;
    for at in 0..70 {
        let answer = attempt(&place.ctx, &format!("name{at}"), "wrong", [192, 0, 2, 9]).await;
        refused += usize::from(matches!(answer, Err(Error::TooMany { .. })));
    }
    assert_eq!(refused, 10, "sixty names from one address, and no more");
    assert!(matches!(attempt(&place.ctx, "elodie", PASSWORD, [192, 0, 2, 10]).await, Ok(Outcome::SignedIn(_))), "others are not held up");
}

#[tokio::test]
async fn a_school_behind_one_address_is_not_held_up_by_its_own_successes() {
    let (_server, place) = stage().await;
    for _ in 0..65 {
        let answer = attempt(&place.ctx, "elodie", PASSWORD, [192, 0, 2, 1]).await;
        assert!(matches!(answer, Ok(Outcome::SignedIn(_))));
    }
}
