//! Rules that are a lot of work leave the gateway to others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use passerelle::services::error::Error;
use passerelle::services::roles::{RuleFields, rules, simulate};
use passerelle::store::establishment::group;

use super::school::{School, rule};

const RULES: usize = 150;
const GROUPS: usize = 300;
/// On average, someone else has their turn at least so often.
const TURN_MAX: Duration = Duration::from_millis(200);

/// One thread for everything: whatever is worked out on it stops the ticks.
#[tokio::test(flavor = "current_thread")]
async fn a_simulation_of_heavy_rules_leaves_others_their_turn() {
    let school = School::new(&["a"], &[("ens-RT", &["a"], &[])]).await;
    school.install("scodoc").await;
    let groups: Vec<_> = (0..GROUPS).map(|n| school.group(&format!("groupe-à-lettres-{n}"))).collect();
    let mut tx = school.ctx.store.begin().await.unwrap();
    group::upsert_all(&mut tx, &groups).await.unwrap();
    tx.commit().await.unwrap();
    let heavy: Vec<RuleFields> =
        (0..RULES).map(|n| rule("scodoc", &format!(r"(?<unit>\pL+)-.*{n}|ens-(?<other>.+)"), "Ens", None)).collect();
    let (ticks, ended) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let ticking = tokio::spawn({
        let (ticks, ended) = (ticks.clone(), ended.clone());
        async move {
            while !ended.load(Ordering::Relaxed) {
                ticks.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    });
    let start = Instant::now();
    let found = simulate(&school.ctx, &heavy).await.unwrap();
    let took = start.elapsed();
    ended.store(true, Ordering::Relaxed);
    ticking.await.unwrap();
    assert_eq!(found.by_role.get("Ens"), Some(&1));
    let ticks = ticks.load(Ordering::Relaxed);
    assert!(TURN_MAX * ticks >= took, "{ticks} ticks in {took:?}");
    // Even on a fast machine this is not one piece of work.
    assert!(ticks >= 10, "{ticks} ticks in {took:?}");
}

#[tokio::test]
async fn a_pattern_too_large_is_refused_with_the_rule_and_the_limit() {
    let school = School::new(&[], &[]).await;
    school.install("scodoc").await;
    let large = rule("scodoc", r"\pL{20}", "Ens", None);
    let Err(Error::Invalid(wrong)) = rules::create(&school.ctx, &large).await else { panic!("it is too large") };
    assert_eq!(wrong[0].field, "when[0].group");
    let Err(Error::Invalid(wrong)) = simulate(&school.ctx, &[rule("scodoc", "ens", "Ens", None), large]).await else {
        panic!("it is too large")
    };
    assert_eq!(wrong[0].field, "rules[1].when[0].group");
    assert!(wrong[0].message.contains("256 KiB"), "{}", wrong[0].message);
}

/// Rules that are fine one by one can be too many together.
#[tokio::test]
async fn a_set_with_too_many_patterns_is_refused_where_it_overflows() {
    let school = School::new(&[], &[]).await;
    school.install("scodoc").await;
    let conditions = |from: usize| {
        let written: Vec<String> = (from..from + 20).map(|n| format!(r#"{{"unit": "u{n}"}}"#)).collect();
        format!("[{}]", written.join(","))
    };
    let many: Vec<RuleFields> = (0..101).map(|n| rule("scodoc", &conditions(n * 20), "Ens", None)).collect();
    let Err(Error::Invalid(wrong)) = simulate(&school.ctx, &many).await else { panic!("they are too many") };
    assert_eq!(wrong[0].field, "rules[100].when[0].unit");
    assert!(wrong[0].message.contains("2000 different patterns"), "{}", wrong[0].message);
    let same: Vec<RuleFields> = (0..101).map(|_| rule("scodoc", &conditions(0), "Ens", None)).collect();
    assert!(simulate(&school.ctx, &same).await.is_ok());
}
