//! Runs that would take too much away: held, approved, refused.

use passerelle::services::error::Error;
use passerelle::services::sources::SourceFields;
use passerelle::services::sync;
use passerelle::store::establishment::change::Operation;
use passerelle::store::establishment::source::Guard;
use passerelle::store::establishment::sync_run::{Mode, Run, State};
use passerelle::store::establishment::user::UserStatus;
use passerelle::types::id::RunId;

use super::{EMPTY, Fed, delete, dn, group, person};
use crate::harness::slapd::{BASE, Setup, Slapd};

const PEOPLE: [&str; 20] = [
    "p00", "p01", "p02", "p03", "p04", "p05", "p06", "p07", "p08", "p09", "p10", "p11", "p12", "p13", "p14", "p15", "p16", "p17", "p18",
    "p19",
];

async fn guarded() -> Fed {
    let fed = Fed::with_people(&PEOPLE).await;
    fed.change(|fields| fields.guard = Guard::default()).await;
    fed.sync().await;
    fed
}

async fn active(fed: &Fed) -> usize {
    fed.everyone().await.iter().filter(|user| user.status == UserStatus::Active).count()
}

/// The end of a run that goes on by itself.
async fn ended(fed: &Fed, id: RunId) -> Run {
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    loop {
        let run = sync::run(&fed.ctx, id).await.unwrap();
        if !matches!(run.state, State::Queued | State::Running) {
            return run;
        }
        assert!(std::time::Instant::now() < deadline, "the run does not end");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn run_that_disables_too_many_waits_for_approval_and_then_does_just_that() {
    let fed = guarded().await;
    fed.slapd.modify(&PEOPLE[..3].iter().map(|uid| delete(uid)).collect::<String>());
    let held = fed.run(Mode::Full).await;
    assert_eq!((held.state, held.counts.disabled), (State::Held, 3));
    let said = held.error.clone().unwrap();
    assert!(said.contains("3 of 20 people") && said.contains("15.0 %") && said.contains("10 %"), "{said}");
    assert_eq!(active(&fed).await, 20);
    let named: Vec<String> = fed.changes(&held).await.into_iter().filter(|c| c.operation == Operation::Disabled).map(|c| c.name).collect();
    assert_eq!(named.len(), 3);

    // One more left since: that one was not approved, but alone it is within the bounds.
    fed.slapd.modify(&delete(PEOPLE[3]));
    let approved = sync::approve(&fed.ctx, held.id).await.unwrap();
    assert_eq!((approved.id, approved.state), (held.id, State::Running));
    let done = ended(&fed, approved.id).await;
    assert_eq!((done.state, done.counts.disabled, done.error), (State::Done, 4, None));
    assert_eq!(active(&fed).await, 16);
    assert!(matches!(sync::approve(&fed.ctx, held.id).await, Err(Error::Conflict(_))), "an approval is for once");
}

#[tokio::test]
async fn approval_covers_the_people_named_and_nobody_else() {
    let fed = guarded().await;
    fed.slapd.modify(&PEOPLE[..3].iter().map(|uid| delete(uid)).collect::<String>());
    let held = fed.run(Mode::Full).await;
    fed.slapd.modify(&PEOPLE[3..7].iter().map(|uid| delete(uid)).collect::<String>());
    let approved = sync::approve(&fed.ctx, held.id).await.unwrap();
    let again = ended(&fed, approved.id).await;
    assert_eq!(again.state, State::Held);
    assert!(again.error.unwrap().contains("4 of 20 people"));
    assert_eq!(active(&fed).await, 20);
    // The decision is open again, now for all seven.
    let approved = sync::approve(&fed.ctx, again.id).await.unwrap();
    let done = ended(&fed, approved.id).await;
    assert_eq!((done.state, done.counts.disabled, active(&fed).await), (State::Done, 7, 13));
    let named = fed.changes(&done).await.into_iter().filter(|c| c.operation == Operation::Disabled).count();
    assert_eq!(named, 7);
}

#[tokio::test]
async fn refused_run_does_nothing_for_ever() {
    let fed = guarded().await;
    fed.change(|fields| fields.settings["user_filter"] = "(uid=p0*)".into()).await;
    let held = fed.run(Mode::Full).await;
    assert_eq!(held.state, State::Held);
    let refused = sync::refuse(&fed.ctx, held.id).await.unwrap();
    assert_eq!((refused.state, refused.approved_by.as_deref()), (State::Refused, Some("system")));
    assert!(matches!(sync::approve(&fed.ctx, held.id).await, Err(Error::Conflict(_))));
    assert_eq!(active(&fed).await, 20);
}

#[tokio::test]
async fn empty_answer_disables_nobody() {
    let fed = guarded().await;
    let all_pass = |fields: &mut SourceFields| {
        fields.guard = super::open_guard();
        fields.settings["base_dn"] = format!("ou=groups,{BASE}").into();
    };
    fed.change(all_pass).await;
    let held = fed.run(Mode::Full).await;
    assert_eq!((held.state, held.counts.disabled), (State::Held, 20));
    assert!(held.error.unwrap().contains("without a single person"));
    assert_eq!(active(&fed).await, 20);
}

/// A directory of twenty people where one of them reads under some directives.
async fn read_by_one(directives: &str) -> Fed {
    let folder = tempfile::tempdir().unwrap();
    let ldif = folder.path().join("small.ldif");
    let everyone: Vec<String> = PEOPLE.iter().map(|uid| dn(uid)).collect();
    let entries: String = PEOPLE.iter().map(|uid| person(uid)).collect();
    let club = group("club", &everyone.iter().map(String::as_str).collect::<Vec<_>>());
    std::fs::write(&ldif, format!("{EMPTY}{entries}{club}")).unwrap();
    let directives = directives.replace("READER", &dn(PEOPLE[0]));
    let fed = Fed::over(Slapd::start_with(&Setup { ldif: Some(&ldif), directives: &directives, ..Setup::default() })).await;
    // Read whole first, by who may; then by somebody of whom the server's rules say something else.
    fed.sync().await;
    fed.change(|fields| {
        fields.guard = Guard::default();
        fields.settings["bind_dn"] = dn(PEOPLE[0]).into();
        fields.settings["bind_password"] = format!("Essai-{}", PEOPLE[0]).into();
        fields.settings["page_size"] = 10.into();
    })
    .await;
    fed
}

#[tokio::test]
async fn a_search_cut_short_by_a_size_limit_fails_the_run_in_its_own_words() {
    let fed = read_by_one("limits dn.exact=\"READER\" size.soft=10 size.hard=10 size.prtotal=15\naccess to * by * read").await;
    let failed = fed.run(Mode::Full).await;
    assert_eq!((failed.state, failed.counts.disabled), (State::Failed, 0));
    let said = failed.error.unwrap();
    assert!(said.contains("size limit"), "{said}");
    assert_eq!(active(&fed).await, 20);
}

#[tokio::test]
async fn an_access_rule_that_hides_people_or_members_holds_the_run() {
    let half = "access to dn.regex=\"^uid=p1.,ou=people,dc=acad-test,dc=fr$\" by dn.exact=\"READER\" none by * read\naccess to * by * read";
    let members =
        "access to dn.subtree=\"ou=groups,dc=acad-test,dc=fr\" attrs=member by dn.exact=\"READER\" none by * read\naccess to * by * read";
    let groups = "access to dn.subtree=\"ou=groups,dc=acad-test,dc=fr\" by dn.exact=\"READER\" none by * read\naccess to * by * read";
    for (rule, words) in [
        (half, ["10 of 20 people", "50.0 % fewer"].as_slice()),
        (members, &["20 of 20 memberships"]),
        (groups, &["1 of 1 groups", "20 of 20 memberships"]),
    ] {
        let fed = read_by_one(rule).await;
        let held = fed.run(Mode::Full).await;
        let said = held.error.unwrap_or_default();
        assert_eq!(held.state, State::Held, "{rule}: {said}");
        assert!(words.iter().all(|word| said.contains(word)), "{rule}: {said}");
        assert_eq!(active(&fed).await, 20);
    }
}

#[tokio::test]
async fn a_branch_that_became_a_referral_fails_the_run_and_disables_nobody() {
    let fed = guarded().await;
    let elsewhere = format!(
        "dn: ou=elsewhere,{BASE}\nchangetype: add\nobjectClass: referral\nobjectClass: extensibleObject\nou: elsewhere\nref: ldap://other.example.fr/ou=elsewhere,{BASE}\n\n"
    );
    fed.slapd.modify(&PEOPLE[..1].iter().map(|uid| delete(uid)).chain([elsewhere]).collect::<String>());
    let failed = fed.run(Mode::Full).await;
    let said = failed.error.unwrap_or_default();
    assert_eq!(failed.state, State::Failed, "{said}");
    assert!(said.contains("referral") || said.contains("refers"), "{said}");
    assert_eq!(active(&fed).await, 20);
}
