//! How long the answer to one question takes: may this person do that, there?
//!
//! `cargo bench --bench check` fills an establishment of 100,000 people in SQLite with roles of ScoDoc and Omenori and asks 10,000 questions about people
//! at random, each beside a bare look-up of the same person by key, and prints rows for `docs/benchmarks.md`. `-- 10000` takes other numbers of people.

#![expect(clippy::cast_precision_loss, reason = "figures are rounded")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a measurement that meets the unexpected stops, and says where"
)]

#[path = "support/flow.rs"]
#[expect(dead_code, reason = "other measurements use more of it")]
mod support;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use passerelle::services::applications;
use passerelle::services::context::{Actor, Context, PlatformContext};
use passerelle::services::roles::{self, Enough, Question};
use passerelle::store::establishment::application::Application;
use passerelle::store::establishment::assignment::{self, Assignment, Origin, Step};
use passerelle::store::establishment::relation::{self, Relation};
use passerelle::store::establishment::user::{self, User, UserStatus};
use passerelle::types::id::{AssignmentId, RelationId, UserId};
use passerelle::types::time::Timestamp;

use support::Installation;

/// Questions asked.
const QUESTIONS: usize = 10_000;
/// Departments.
const DEPARTMENTS: usize = 50;
/// People written at once.
const LOT: usize = 10_000;

fn main() {
    let people = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let people = people.map_or(100_000, |text| text.parse().expect("a number of people"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(run(people));
}

async fn run(count: usize) {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Installation::new(folder.path(), None).open().await;
    let slug = support::prepare(&gateway).await;
    let platform = PlatformContext::open(&gateway, Actor::System, Timestamp::now()).await.unwrap();
    let ctx = platform.enter(&slug).await.unwrap();
    let mut made = Vec::new();
    for name in ["scodoc", "omenori"] {
        let fields = applications::shipped_of(name).unwrap();
        made.push(applications::create(&ctx, &fields).await.unwrap());
    }
    let people = fill(&ctx, &made[0], &made[1], count).await;
    let (mut lookups, mut checks, mut state) = (Vec::new(), Vec::new(), 7_usize);
    for n in 0..QUESTIONS + 200 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let at = (state >> 33) % people.len();
        let began = Instant::now();
        let mut tx = ctx.store.read().await.unwrap();
        assert!(user::find(&mut tx, people[at]).await.unwrap().is_some());
        drop(tx);
        let looked_up = began.elapsed();
        let question = question(&people, at, n);
        let began = Instant::now();
        let verdicts = roles::answer(&ctx, std::slice::from_ref(&question)).await.unwrap();
        let answered = began.elapsed();
        assert!(verdicts[0].role.is_some() || !verdicts[0].allowed);
        // The first ones open connections and prepare statements.
        if n >= 200 {
            lookups.push(looked_up);
            checks.push(answered);
        }
    }
    println!("| {count} people | p50 | p95 | p99 |");
    println!("|---|---|---|---|");
    let (reference, measured) = (told("a bare look-up by key", lookups), told("a check", checks));
    println!("| times the look-up | | {:.1} | |", measured.as_secs_f64() / reference.as_secs_f64());
    let many: Vec<Question> = (0..1_000).map(|n| question(&people, n * 7 % people.len(), n)).collect();
    let began = Instant::now();
    roles::answer(&ctx, &many).await.unwrap();
    println!("| 1,000 checks in one request | {:.1} ms | | |", began.elapsed().as_secs_f64() * 1e3);
    gateway.stores.close().await;
}

/// A third each about a department, about one's own apprentice, and about everywhere.
fn question(people: &[UserId], at: usize, n: usize) -> Question {
    let (application, privilege) = if n % 3 == 1 { ("omenori", "apprentices.list") } else { ("scodoc", "AbsChange") };
    Question {
        user: Some(people[at]),
        username: None,
        application: application.to_owned(),
        privilege: privilege.to_owned(),
        scope: n.is_multiple_of(3).then(|| format!("D{}", at % DEPARTMENTS)),
        relation_to: (n % 3 == 1).then(|| people[(at + 1) % people.len()].to_string()),
        level: Enough::Read,
    }
}

fn told(name: &str, mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    let ms = |percent| at(percent).as_secs_f64() * 1e3;
    println!("| {name} | {:.3} ms | {:.3} ms | {:.3} ms |", ms(50), ms(95), ms(99));
    at(95)
}

async fn fill(ctx: &Context, scodoc: &Application, omenori: &Application, count: usize) -> Vec<UserId> {
    let people: Vec<User> = (0..count).map(|n| person(ctx, n)).collect();
    for lot in people.chunks(LOT) {
        let mut tx = ctx.store.begin().await.unwrap();
        user::insert_all(&mut tx, lot).await.unwrap();
        let held: Vec<Assignment> = lot
            .iter()
            .enumerate()
            .flat_map(|(n, who)| {
                let unit = format!("D{}", n % DEPARTMENTS);
                [held(ctx, scodoc, who, "Ens", &unit), held(ctx, omenori, who, "PT", "")]
            })
            .collect();
        assignment::insert_all(&mut tx, &held).await.unwrap();
        let pairs: Vec<Relation> = lot.windows(2).step_by(2).map(|pair| tutor(ctx, &pair[0], &pair[1])).collect();
        relation::insert_all(&mut tx, &pairs).await.unwrap();
        tx.commit().await.unwrap();
    }
    people.iter().map(|person| person.id).collect()
}

fn person(ctx: &Context, n: usize) -> User {
    User {
        id: UserId::new(),
        username: format!("p{n}"),
        given_name: Some("Élodie".to_owned()),
        family_name: Some("Œuvrard".to_owned()),
        display_name: format!("Élodie Œuvrard {n}"),
        email: Some(format!("p{n}@univ-test.fr")),
        locale: None,
        status: UserStatus::Active,
        disabled_by: None,
        home_unit: Some(format!("D{}", n % DEPARTMENTS)),
        units: vec![format!("D{}", n % DEPARTMENTS)],
        attributes: (0..12).map(|a| (format!("attribute{a}"), vec![format!("value {n} {a}")])).collect::<BTreeMap<_, _>>(),
        last_sign_in_at: None,
        created_at: ctx.now,
        updated_at: ctx.now,
        erased_at: None,
    }
}

fn held(ctx: &Context, application: &Application, who: &User, role: &str, scope: &str) -> Assignment {
    let steps = ["entry", "group", "rule", "capture", "role"].map(|kind| Step { kind: kind.to_owned(), name: format!("{kind} of {role}") });
    Assignment {
        id: AssignmentId::new(),
        user_id: who.id,
        application_id: application.id,
        application: application.name.clone(),
        role: role.to_owned(),
        scope: scope.to_owned(),
        origin: Origin::Manual,
        rule_id: None,
        valid_from: None,
        valid_until: None,
        reason: steps.to_vec(),
        given_by: None,
        created_at: ctx.now,
    }
}

fn tutor(ctx: &Context, one: &User, other: &User) -> Relation {
    Relation {
        id: RelationId::new(),
        kind: "tutor".to_owned(),
        user_id: one.id,
        username: one.username.clone(),
        other_id: other.id,
        other_username: other.username.clone(),
        valid_from: None,
        valid_until: None,
        reason: None,
        created_at: ctx.now,
    }
}
