//! What people are not to hold, what they use, and whose sign-ins end with a role.

use passerelle::store::establishment::application::Application;
use passerelle::store::establishment::application_use::{self, Unused, UnusedAccount};
use passerelle::store::establishment::assignment::Origin;
use passerelle::store::establishment::client::Client;
use passerelle::store::establishment::exclusion::{self, Excluded, Exclusion, Filter};
use passerelle::store::establishment::facts::{self, Whose};
use passerelle::store::establishment::user::{User, UserStatus};
use passerelle::store::establishment::{application, assignment, client, grant, logout_listener, session, user};
use passerelle::types::id::ExclusionId;
use passerelle::types::page::PageRequest;

use super::engine::{Bed, on_every_engine, walk};
use super::samples::{self, LATER, NOW, person, token};

async fn place(bed: &Bed) -> (Vec<User>, Application, Application) {
    let (notes, other) = (samples::application("notes"), samples::application("autre"));
    let mut people: Vec<User> = ["une", "deux", "trois"].map(person).into();
    people.sort_by_key(|one| one.id);
    bed.write(async |tx| {
        user::insert_all(tx, &people).await?;
        application::insert(tx, &notes).await?;
        application::insert(tx, &other).await
    })
    .await;
    (people, notes, other)
}

pub fn excluded(user: &User, application: &Application, role: &str) -> Exclusion {
    Exclusion {
        id: ExclusionId::new(),
        user_id: user.id,
        username: user.username.clone(),
        application_id: application.id,
        application: application.name.clone(),
        role: role.to_owned(),
        scope: "département/RT".to_owned(),
        reason: "décision du 3 septembre".to_owned(),
        given_by: "user:élodie".to_owned(),
        valid_until: Some(LATER),
        created_at: NOW,
    }
}

#[tokio::test]
async fn exclusions_are_written_listed_and_removed() {
    on_every_engine(async |bed| {
        let (people, notes, other) = place(bed).await;
        let made = [
            excluded(&people[0], &notes, "chef"),
            Exclusion { valid_until: None, scope: String::new(), ..excluded(&people[0], &notes, "chef") },
            excluded(&people[1], &other, "chef"),
        ];
        bed.write(async |tx| {
            for one in &made {
                exclusion::insert(tx, one).await?;
            }
            Ok(())
        })
        .await;
        let mut tx = bed.read().await;
        assert_eq!(exclusion::find(&mut tx, made[0].id).await.unwrap().as_ref(), Some(&made[0]));
        let all = walk(2, None, async |page| exclusion::list(&mut bed.read().await, page, &Filter::default()).await).await;
        assert_eq!(all, made);
        let only = Filter {
            user: Some(people[0].id),
            application: Some("notes".to_owned()),
            role: Some("chef".to_owned()),
            scope: Some(String::new()),
            within: None,
        };
        let found = exclusion::list(&mut tx, &PageRequest::first(10), &only).await.unwrap();
        assert_eq!((found.total, found.items), (1, vec![made[1].clone()]));
        let words = PageRequest { query: Some("lefevre".to_owned()), ..PageRequest::first(10) };
        assert_eq!(exclusion::list(&mut tx, &words, &Filter::default()).await.unwrap().total, 3);
        let read = facts::exclusions(&mut tx, Whose::Between(Some(people[0].id), people[2].id)).await.unwrap();
        let expected = Excluded {
            user_id: people[1].id,
            application_id: other.id,
            role: "chef".to_owned(),
            scope: made[2].scope.clone(),
            valid_until: Some(LATER),
        };
        assert_eq!(read, [expected]);
        assert_eq!(facts::exclusions(&mut tx, Whose::These(&[people[0].id, people[2].id])).await.unwrap().len(), 2);
        drop(tx);
        let columns = "exclusions.user_id, exclusions.application_id, exclusions.role, exclusions.scope";
        let again = Exclusion { id: ExclusionId::new(), ..made[0].clone() };
        bed.refuses_as_taken(columns, async |tx| exclusion::insert(tx, &again).await).await;
        // One that has ended makes way.
        bed.write(async |tx| exclusion::insert(tx, &Exclusion { created_at: LATER, ..again.clone() }).await).await;
        bed.write(async |tx| exclusion::delete(tx, again.id).await).await;
        bed.refuses_as_not_found("exclusion", async |tx| exclusion::delete(tx, again.id).await).await;
        // A unit of another name takes what stands in it along.
        bed.write(async |tx| exclusion::rename_scope(tx, "département/RT", "GEA").await).await;
        let moved = exclusion::find(&mut bed.read().await, made[2].id).await.unwrap().unwrap();
        assert_eq!(moved.scope, "GEA");
        bed.write(async |tx| exclusion::rename_scope(tx, "GEA", "département/RT").await).await;
        bed.write(async |tx| exclusion::delete_of_application(tx, notes.id).await).await;
        let left = exclusion::list(&mut bed.read().await, &PageRequest::first(10), &Filter::default()).await.unwrap();
        assert_eq!(left.items, [made[2].clone()]);
    })
    .await;
}

#[tokio::test]
async fn a_use_is_noted_once_a_day_and_unused_roles_are_listed() {
    on_every_engine(async |bed| {
        let (people, notes, other) = place(bed).await;
        let today = application_use::day(NOW);
        assert_eq!((today.seconds() % 86_400, NOW.seconds() - today.seconds() < 86_400), (0, true));
        let [one, two, three] = [0, 1, 2].map(|at: usize| &people[at]);
        for (first, now) in [(true, NOW), (false, NOW.plus_s(1)), (true, NOW.plus_s(86_400)), (false, NOW)] {
            let is_first = bed.write(async |tx| application_use::note(tx, one.id, notes.id, now).await).await;
            assert_eq!(is_first, first);
        }
        bed.write(async |tx| application_use::note(tx, two.id, other.id, NOW).await).await;
        let mut tx = bed.read().await;
        assert_eq!(application_use::last(&mut tx, one.id, notes.id).await.unwrap(), Some(today.plus_s(86_400)));
        assert_eq!(application_use::last(&mut tx, two.id, notes.id).await.unwrap(), None);
        let between = application_use::list_between(&mut tx, None, two.id).await.unwrap();
        assert_eq!(between, [(one.id, notes.id, today.plus_s(86_400)), (two.id, other.id, today)]);
        drop(tx);
        let given = [one, two, three].map(|user| samples::assignment(user, &notes, "chef"));
        let default = assignment::Assignment { origin: Origin::Default, ..samples::assignment(two, &notes, "étudiant") };
        bed.write(async |tx| {
            assignment::insert_all(tx, &given).await?;
            assignment::insert_all(tx, std::slice::from_ref(&default)).await
        })
        .await;
        let mut tx = bed.read().await;
        let since = NOW.plus_s(60);
        let listed =
            application_use::list_unused(&mut tx, &PageRequest::first(10), since, &application_use::Filter::default()).await.unwrap();
        let row = |user: &User, at: usize| Unused {
            id: given[at].id,
            user_id: user.id,
            username: user.username.clone(),
            display_name: user.display_name.clone(),
            application: "notes".to_owned(),
            role: "chef".to_owned(),
            scope: given[at].scope.clone(),
            origin: Origin::Manual,
            given_at: NOW,
            last_used_at: None,
            last_sign_in_at: user.last_sign_in_at,
        };
        assert_eq!((listed.total, listed.items), (2, vec![row(two, 1), row(three, 2)]));
        // Whoever was given a role after that has had no time to use it.
        let early = application_use::list_unused(&mut tx, &PageRequest::first(10), NOW, &application_use::Filter::default()).await.unwrap();
        assert_eq!(early.total, 0);
        let only = application_use::Filter {
            user: Some(three.id),
            application: Some("notes".to_owned()),
            role: Some("chef".to_owned()),
            scope: Some(given[2].scope.clone()),
            origin: Some("manual".to_owned()),
        };
        let page = PageRequest { query: Some("trois".to_owned()), ..PageRequest::first(10) };
        assert_eq!(application_use::list_unused(&mut tx, &page, since, &only).await.unwrap().items, [row(three, 2)]);
    })
    .await;
}

#[tokio::test]
async fn accounts_that_nobody_signs_in_with_are_listed() {
    on_every_engine(async |bed| {
        let mut people = [person("une"), person("deux"), person("trois"), person("quatre")];
        people.sort_by_key(|one| one.id);
        people[0].last_sign_in_at = None;
        people[1].last_sign_in_at = Some(NOW);
        people[2].status = UserStatus::Disabled;
        people[3].created_at = NOW.plus_s(-1);
        bed.write(async |tx| user::insert_all(tx, &people).await).await;
        let mut tx = bed.read().await;
        let since = NOW.plus_s(-3600);
        let found = application_use::list_unused_accounts(&mut tx, &PageRequest::first(9), since).await.unwrap();
        let expected = UnusedAccount {
            id: people[0].id,
            username: people[0].username.clone(),
            display_name: people[0].display_name.clone(),
            email: people[0].email.clone(),
            home_unit: people[0].home_unit.clone(),
            last_sign_in_at: None,
            created_at: people[0].created_at,
        };
        assert_eq!((found.total, found.items), (1, vec![expected]));
        let later = walk(1, None, async |page| application_use::list_unused_accounts(&mut bed.read().await, page, LATER).await).await;
        assert_eq!(later.into_iter().map(|one| one.id).collect::<Vec<_>>(), [people[0].id, people[1].id, people[3].id]);
        let words = PageRequest { query: Some("nobody".to_owned()), ..PageRequest::first(9) };
        assert_eq!(application_use::list_unused_accounts(&mut tx, &words, LATER).await.unwrap().total, 0);
    })
    .await;
}

#[tokio::test]
async fn sign_ins_end_at_one_application_for_some_people() {
    on_every_engine(async |bed| {
        let (people, notes, other) = place(bed).await;
        let sessions: Vec<_> = people.iter().map(samples::session).collect();
        let of = |name: &str, application: &Application, require_role: bool| Client {
            application_id: Some(application.id),
            application: Some(application.name.clone()),
            require_role,
            ..samples::client(name)
        };
        bed.write(async |tx| {
            for one in &sessions {
                session::insert(tx, token(&one.id.to_string()), one).await?;
            }
            for one in [of("a", &notes, false), of("b", &notes, true), of("c", &other, true)] {
                client::insert(tx, &one).await?;
            }
            for one in &sessions {
                for name in ["a", "b", "c"] {
                    assert!(grant::insert_in_session(tx, &samples::grant(name, one), NOW).await?);
                }
            }
            Ok(())
        })
        .await;
        let mut tx = bed.read().await;
        let mut requiring = client::applications_requiring_a_role(&mut tx).await.unwrap();
        requiring.sort();
        let mut expected = vec![notes.id, other.id];
        expected.sort();
        assert_eq!(requiring, expected);
        let two = [people[0].id, people[2].id];
        let heard = async |only_requiring| {
            let rows = logout_listener::list_at_application(&mut bed.read().await, &two, notes.id, only_requiring, NOW).await.unwrap();
            rows.into_iter().map(|one| (one.user_id, one.client_id)).collect::<Vec<_>>()
        };
        let pairs = |names: &[&str]| two.iter().flat_map(|user| names.iter().map(|name| (*user, (*name).to_owned()))).collect::<Vec<_>>();
        assert_eq!(heard(false).await, pairs(&["a", "b"]));
        assert_eq!(heard(true).await, pairs(&["b"]));
        drop(tx);
        let revoke = async |only| bed.write(async |tx| grant::revoke_at_application(tx, &two, notes.id, only, NOW).await).await;
        assert_eq!((revoke(true).await, revoke(false).await, revoke(false).await), (2, 2, 0));
        assert!(heard(false).await.is_empty());
        let left = logout_listener::list_of_user(&mut bed.read().await, people[0].id, NOW).await.unwrap();
        assert_eq!(left.into_iter().map(|one| one.client_id).collect::<Vec<_>>(), ["c"]);
    })
    .await;
}
