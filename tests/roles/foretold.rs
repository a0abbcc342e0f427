//! What a simulation tells is what saving then does.

use passerelle::services::roles::{Changed, RuleFields, Simulation, rules, simulate_change};
use passerelle::store::establishment::assignment::{self, Origin};
use passerelle::store::establishment::rule::Rule;
use passerelle::store::establishment::user::UserStatus;
use passerelle::types::id::UserId;

use super::school::{School, rule};

/// Who holds what by rules and defaults, and why.
async fn standing(school: &School) -> Vec<(UserId, String, String, String)> {
    let mut tx = school.ctx.store.read().await.unwrap();
    let mut rows = assignment::list_between(&mut tx, None, UserId::from(uuid::Uuid::max())).await.unwrap();
    rows.retain(|row| row.origin != Origin::Manual);
    rows.into_iter().map(|row| (row.user_id, row.application_id.to_string(), row.role, row.scope)).collect()
}

fn number(rows: &[(UserId, String, String, String)], others: &[(UserId, String, String, String)]) -> u64 {
    rows.iter().filter(|row| !others.contains(row)).count() as u64
}

fn conditions(step: usize) -> &'static str {
    [
        r#"[{"group": "ens-(?<unit>.+)"}]"#,
        r#"[{"any": [{"group": "ens-(?<unit>.+)"}, {"group": "resp-(?<unit>.+)"}]}]"#,
        r#"[{"group": "dept-(?<unit>.+)"}, {"group": "resp-.+", "not": true}]"#,
        r#"[{"any": [{"all": [{"group": "dept-(?<unit>.+)"}, {"unit": "RT"}]}, {"unit": "(?<unit>GEA)"}]}]"#,
    ][step % 4]
}

/// A walk over rules of every shape: each is simulated, then saved, and what changed is what was foretold.
#[tokio::test]
async fn a_simulation_equals_what_saving_then_does() {
    let groups: [(&str, &[&str], &[&str]); 4] =
        [("ens-RT", &["a", "b"], &[]), ("ens-GEA", &["b"], &[]), ("resp-RT", &["c"], &[]), ("dept-RT", &[], &["ens-RT", "resp-RT"])];
    let school = School::new(&["a", "b", "c", "d"], &groups).await;
    school.change("d", |user| user.units = vec!["GEA".to_owned(), "RT".to_owned()]).await;
    school.install("scodoc").await;
    school.install("omenori").await;
    let now = school.ctx.now;
    let mut made: Vec<Rule> = Vec::new();
    let mut state: usize = 7;
    let mut changes = 0;
    for step in 0..60 {
        state = state * 48 % 1009;
        let (application, role, scope) =
            [("scodoc", "Ens", Some("{unit}")), ("scodoc", "Secr", Some("{unit}")), ("omenori", "PT", None), ("omenori", "RC", None)]
                [state % 4];
        let window =
            [(None, None), (None, None), (Some(now.plus_s(-60)), Some(now.plus_s(60))), (Some(now.plus_s(60)), None)][state / 4 % 4];
        let (valid_from, valid_until) = window;
        let ends = (state / 16).is_multiple_of(3).then(|| "08-31".to_owned());
        let priority = i64::try_from(state % 3).unwrap();
        let fields = RuleFields { priority, valid_from, valid_until, ends, ..rule(application, conditions(state / 5), role, scope) };
        let status = [UserStatus::Active, UserStatus::Active, UserStatus::Disabled][step % 3];
        school.change("a", |user| user.status = status).await;
        let before = standing(&school).await;
        let replaced = (step % 3 == 2 && !made.is_empty()).then(|| made.swap_remove(state % made.len()));
        let foretold: Simulation = simulate_change(&school.ctx, replaced.as_ref().map(|rule| rule.id), &fields).await.unwrap();
        let saved = match &replaced {
            Some(standing) => rules::update(&school.ctx, standing, &fields).await,
            None => rules::create(&school.ctx, &fields).await,
        };
        let Ok(saved) = saved else {
            // It says what another says already: nothing is saved.
            made.extend(replaced);
            continue;
        };
        made.push(saved);
        let after = standing(&school).await;
        let real = Changed { gained: number(&after, &before), lost: number(&before, &after) };
        assert_eq!(Changed { gained: foretold.gained_count, lost: foretold.lost_count }, real, "step {step}: {fields:?}");
        assert_eq!(foretold.unchanged_count, after.len() as u64 - real.gained, "step {step}");
        changes += real.gained + real.lost;
    }
    assert!(changes > 20 && made.len() > 8, "{changes} changes by {} rules", made.len());
}
