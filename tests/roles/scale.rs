//! Many people: some at a time equals all at once.

use passerelle::services::context::Context;
use passerelle::services::roles::{self, Changed, RuleFields, rules};
use passerelle::store::establishment::assignment::{self, Origin};
use passerelle::store::establishment::user::{self, User, UserStatus};
use passerelle::store::establishment::{group, membership};
use passerelle::types::id::UserId;

use super::school::{School, rule};

const PEOPLE: usize = 2_500;

async fn snapshot(ctx: &Context) -> Vec<(UserId, String, String, String)> {
    let mut tx = ctx.store.read().await.unwrap();
    let last = UserId::from(uuid::Uuid::max());
    let rows = assignment::list_between(&mut tx, None, last).await.unwrap();
    rows.into_iter().filter(|row| row.origin != Origin::Manual).map(|row| (row.user_id, row.role, row.scope, row.reason)).collect()
}

#[tokio::test]
async fn some_people_at_a_time_equals_everyone_at_once() {
    let school = School::new(&[], &[]).await;
    school.install("scodoc").await;
    school.install("omenori").await;
    let groups: Vec<_> = (0..20).map(|n| school.group(&format!("ens-D{n}"))).collect();
    let people: Vec<User> = (0..PEOPLE).map(|n| school.person(&format!("p{n}"))).collect();
    let mut tx = school.ctx.store.begin().await.unwrap();
    group::upsert_all(&mut tx, &groups).await.unwrap();
    user::insert_all(&mut tx, &people).await.unwrap();
    let pairs: Vec<_> = people.iter().enumerate().flat_map(|(n, p)| [(groups[n % 20].id, p.id), (groups[n % 7].id, p.id)]).collect();
    membership::insert_all(&mut tx, &pairs).await.unwrap();
    tx.commit().await.unwrap();
    school.rule("scodoc", "ens-(?<unit>D.+)", "Ens", Some("{unit}")).await;
    school.rule("omenori", "ens-D1\\d", "PT", None).await;
    let all = snapshot(&school.ctx).await;
    assert!(all.len() > PEOPLE * 2, "{}", all.len());
    let mut tx = school.ctx.store.begin().await.unwrap();
    assert_eq!(roles::recompute_all_in(&mut tx, &school.ctx).await.unwrap(), Changed::default());
    for person in &people {
        roles::withdraw_in(&mut tx, &school.ctx, person.id).await.unwrap();
    }
    // Everyone in odd-sized lots: one by one, and picked out of steps over many.
    let ids: Vec<UserId> = people.iter().map(|p| p.id).collect();
    let mut gained = 0;
    let (few, many) = ids.split_at(150);
    for lot in [few, many] {
        gained += roles::recompute_users_in(&mut tx, &school.ctx, lot).await.unwrap().gained;
    }
    tx.commit().await.unwrap();
    assert_eq!(usize::try_from(gained), Ok(all.len()));
    assert_eq!(snapshot(&school.ctx).await, all);
}

/// Whatever comes and goes, recomputing the people concerned leaves nothing for a recomputation of everyone.
#[tokio::test]
async fn one_change_after_another_equals_everyone_at_once() {
    let groups: [(&str, &[&str], &[&str]); 4] =
        [("ens-RT", &["a"], &[]), ("ens-GEA", &["b"], &[]), ("resp-RT", &[], &[]), ("dept-RT", &[], &["ens-RT", "resp-RT"])];
    let school = School::new(&["a", "b", "c", "d"], &groups).await;
    school.install("scodoc").await;
    school.install("omenori").await;
    school.rule("scodoc", "ens-(?<unit>.+)", "Ens", Some("{unit}")).await;
    school.rule("scodoc", r#"[{"group": "dept-(?<unit>.+)"}, {"unit": "(?<unit>.+)"}]"#, "Secr", Some("{unit}")).await;
    school.rule("omenori", "resp-.+", "RC", None).await;
    school.rule("omenori", r#"[{"group": "ens-.+"}, {"group": "resp-.+", "not": true}]"#, "PT", None).await;
    let any = r#"[{"any": [{"group": "ens-(?<unit>.+)"}, {"all": [{"unit": "(?<unit>.+)"}, {"group": "resp-.+", "not": true}]}]}]"#;
    let until = Some(school.ctx.now.plus_s(60));
    let open = RuleFields { valid_until: until, ..rule("scodoc", any, "Observateur", Some("{unit}")) };
    let waiting = RuleFields { valid_from: until, ..rule("scodoc", any, "Admin", Some("{unit}")) };
    for fields in [open, waiting] {
        rules::create(&school.ctx, &fields).await.unwrap();
    }
    // A fixed walk that visits every person, group and unit in every mixture: multiplicative steps modulo a prime.
    let mut state: usize = 7;
    for _ in 0..120 {
        state = state * 48 % 1009;
        let person = ["a", "b", "c", "d"][state % 4];
        match state % 3 {
            0 => {
                school.put(person, ["ens-RT", "ens-GEA", "resp-RT"][state / 4 % 3], (state / 12).is_multiple_of(2)).await;
            }
            1 => school.change(person, |user| user.units = vec![["RT", "GEA"][state / 4 % 2].to_owned()]).await,
            _ => {
                let status = [UserStatus::Active, UserStatus::Active, UserStatus::Disabled][state / 4 % 3];
                school.change(person, |user| user.status = status).await;
            }
        }
        let mut tx = school.ctx.store.begin().await.unwrap();
        assert_eq!(roles::recompute_all_in(&mut tx, &school.ctx).await.unwrap(), Changed::default());
    }
    assert!(!snapshot(&school.ctx).await.is_empty());
}
