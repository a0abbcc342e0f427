//! People, their local passwords, and what goes with them.

use std::collections::BTreeMap;

use passerelle::store::establishment::user::{Account, DisabledBy, Filter, User, UserStatus};
use passerelle::store::establishment::{
    access_token, application, assignment, authorization_code, consent, credential, grant, group, link, membership, one_time_link,
    refresh_token, session, source, user,
};
use passerelle::types::id::UserId;
use passerelle::types::page::PageRequest;
use uuid::Uuid;

use super::engine::{Bed, on_every_engine, walk};
use super::samples::{self, LATER, NOW, person, token};

/// More rows than two full multi-row statements take.
const MANY: usize = 1_203;

async fn with_people(bed: &Bed, people: &[User]) {
    bed.write(async |tx| user::insert_all(tx, people).await).await;
}

#[tokio::test]
async fn a_person_comes_back_as_written() {
    on_every_engine(async |bed| {
        let full = person("É.Lefèvre");
        let bare = User {
            given_name: None,
            family_name: None,
            display_name: String::new(),
            email: None,
            locale: None,
            status: UserStatus::Pending,
            home_unit: None,
            units: Vec::new(),
            attributes: BTreeMap::new(),
            last_sign_in_at: None,
            ..person("x")
        };
        let longest = User {
            display_name: "é".repeat(100_000),
            status: UserStatus::Disabled,
            disabled_by: Some(DisabledBy::Source),
            erased_at: Some(LATER),
            ..person(&"ǅ".repeat(128))
        };
        bed.write(async |tx| user::insert(tx, &full).await).await;
        with_people(bed, &[bare.clone(), longest.clone()]).await;
        let mut tx = bed.read().await;
        for written in [&full, &bare, &longest] {
            assert_eq!(user::find(&mut tx, written.id).await.unwrap().as_ref(), Some(written));
            assert_eq!(&user::get(&mut tx, written.id).await.unwrap(), written);
        }
        assert_eq!(user::find(&mut tx, UserId::new()).await.unwrap(), None);
        drop(tx);
        bed.refuses_as_not_found("user", async |tx| user::get(tx, UserId::new()).await).await;
    })
    .await;
}

#[tokio::test]
async fn a_user_name_is_found_in_any_letter_case_and_is_one_person_s() {
    on_every_engine(async |bed| {
        let (one, other) = (person("Élodie.Lefèvre"), person("zoé"));
        with_people(bed, &[one.clone(), other.clone()]).await;
        let mut tx = bed.read().await;
        for written in ["élodie.lefèvre", "ÉLODIE.LEFÈVRE", "E\u{301}lodie.Lefe\u{300}vre"] {
            assert_eq!(user::find_by_username(&mut tx, written).await.unwrap().as_ref(), Some(&one), "{written}");
        }
        assert_eq!(user::find_by_username(&mut tx, "elodie.lefevre").await.unwrap(), None, "accents tell user names apart");
        drop(tx);
        bed.refuses_as_taken("users.username", async |tx| user::insert(tx, &person("ÉLODIE.lefèvre")).await).await;
        bed.refuses_as_taken("users.id", async |tx| user::insert(tx, &User { id: one.id, ..person("autre") }).await).await;
        let renamed = User { username: "ZOÉ".to_owned(), ..one.clone() };
        bed.refuses_as_taken("users.username", async |tx| user::update(tx, &renamed).await).await;
        bed.refuses_as_taken("users.username", async |tx| user::set_username(tx, one.id, "ZOÉ").await).await;
    })
    .await;
}

#[tokio::test]
async fn names_can_be_exchanged_within_one_transaction() {
    on_every_engine(async |bed| {
        let (one, other) = (person("paul"), person("pierre"));
        with_people(bed, &[one.clone(), other.clone()]).await;
        bed.write(async |tx| {
            user::park_username(tx, one.id).await?;
            user::park_username(tx, other.id).await?;
            user::set_username(tx, one.id, "Pierre").await?;
            user::set_username(tx, other.id, "Paul").await
        })
        .await;
        let mut tx = bed.read().await;
        let found = user::find_by_username(&mut tx, "pierre").await.unwrap().unwrap();
        assert_eq!(found, User { username: "Pierre".to_owned(), ..one.clone() });
        assert_eq!(user::usernames(&mut tx).await.unwrap(), [(one.id, "pierre".to_owned()), (other.id, "paul".to_owned())]);
    })
    .await;
}

#[tokio::test]
async fn an_update_writes_all_but_the_creation_and_the_last_sign_in() {
    on_every_engine(async |bed| {
        let (before, bystander) = (person("avant"), person("autre"));
        with_people(bed, &[before.clone(), bystander.clone()]).await;
        let after = User {
            username: "Après".to_owned(),
            given_name: None,
            family_name: Some("Ñandú".to_owned()),
            display_name: "Ñandú".to_owned(),
            email: None,
            locale: None,
            status: UserStatus::Disabled,
            disabled_by: Some(DisabledBy::Administrator),
            home_unit: None,
            units: Vec::new(),
            attributes: BTreeMap::from([("a".to_owned(), vec!["b".to_owned()])]),
            last_sign_in_at: None,
            created_at: LATER,
            updated_at: LATER,
            ..before.clone()
        };
        bed.write(async |tx| user::update(tx, &after).await).await;
        bed.write(async |tx| user::touch_sign_in(tx, bystander.id, LATER).await).await;
        let mut tx = bed.read().await;
        let expected = User { last_sign_in_at: before.last_sign_in_at, created_at: before.created_at, ..after.clone() };
        assert_eq!(user::find(&mut tx, before.id).await.unwrap(), Some(expected));
        assert_eq!(user::find(&mut tx, bystander.id).await.unwrap(), Some(User { last_sign_in_at: Some(LATER), ..bystander }));
        let found = user::list(&mut tx, &PageRequest::parse(None, None, Some("nandu")).unwrap(), &Filter::default()).await.unwrap();
        assert_eq!(found.total, 1, "searches look in what was written last");
        drop(tx);
        bed.refuses_as_not_found("user", async |tx| user::update(tx, &person("personne")).await).await;
    })
    .await;
}

#[tokio::test]
async fn many_people_are_written_and_walked_exactly_once_in_their_order() {
    on_every_engine(async |bed| {
        let people: Vec<User> = (0..MANY).map(|n| person(&format!("élève{n:05}"))).collect();
        with_people(bed, &people).await;
        with_people(bed, &[]).await;
        let mut tx = bed.read().await;
        for limit in [97, 401, 500] {
            assert_eq!(walk(limit, None, async |page| user::list(&mut tx, page, &Filter::default()).await).await, people);
        }
        let first = user::list(&mut tx, &PageRequest::first(i64::try_from(MANY).unwrap()), &Filter::default()).await.unwrap();
        assert_eq!((first.items.len(), first.next_cursor), (MANY, None), "a list that ends with its page has no next one");
        let after = user::list_after(&mut tx, Some(people[MANY - 3].id), 10).await.unwrap();
        assert_eq!(after, people[MANY - 2..]);
        assert_eq!(user::list_after(&mut tx, None, 2).await.unwrap(), people[..2]);
        let mut keys: Vec<UserId> = people.iter().map(|p| p.id).collect();
        keys.push(UserId::new());
        let mut by_ids = user::list_by_ids(&mut tx, &keys).await.unwrap();
        by_ids.sort_by_key(|p| p.id);
        assert_eq!(by_ids, people);
        assert_eq!(user::list_by_ids(&mut tx, &[]).await.unwrap(), []);
        assert_eq!(user::usernames(&mut tx).await.unwrap().len(), MANY);
    })
    .await;
}

#[tokio::test]
async fn one_name_taken_in_many_writes_none_of_them() {
    on_every_engine(async |bed| {
        let mut people: Vec<User> = (0..MANY).map(|n| person(&format!("p{n}"))).collect();
        people.push(person("P7"));
        bed.refuses_as_taken("users.username", async |tx| user::insert_all(tx, &people).await).await;
        assert_eq!(user::usernames(&mut bed.read().await).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn searches_fold_accents_and_take_wildcards_as_letters() {
    on_every_engine(async |bed| {
        let named = |username: &str, name: &str, email: &str| User {
            given_name: None,
            family_name: Some(name.to_owned()),
            display_name: name.to_owned(),
            email: Some(email.to_owned()),
            ..person(username)
        };
        let people = [
            named("u1", "Œuvrard-Lefèvre", "a@acad-test.fr"),
            named("u_2", "100 % Étienne", "b@acad-test.fr"),
            named("u22", "1000 Étienne", "c@ecole.fr"),
            named("back\\slash", "l’Hôpital", "d@acad-test.fr"),
        ];
        with_people(bed, &people).await;
        let mut tx = bed.read().await;
        let cases: [(&str, &[usize]); 11] = [
            ("oeuvrard", &[0]),
            ("LEFEVRE", &[0]),
            ("étienne", &[1, 2]),
            ("100 %", &[1]),
            ("%", &[1]),
            ("u_2", &[1]),
            ("_", &[1]),
            ("\\", &[3]),
            ("l'hopital", &[3]),
            ("acad-test", &[0, 1, 3]),
            ("' OR 1=1 --", &[]),
        ];
        for (query, expected) in cases {
            let found = walk(1, Some(query), async |page| user::list(&mut tx, page, &Filter::default()).await).await;
            let expected: Vec<User> = expected.iter().map(|at| people[*at].clone()).collect();
            assert_eq!(found, expected, "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn every_filter_narrows_alone_and_together() {
    on_every_engine(async |bed| {
        let people = [
            User {
                status: UserStatus::Pending,
                home_unit: Some("RT".to_owned()),
                given_name: Some("Anaïs".to_owned()),
                locale: Some("en".to_owned()),
                ..person("Anaïs")
            },
            User {
                status: UserStatus::Disabled,
                disabled_by: Some(DisabledBy::Source),
                home_unit: Some("GEA".to_owned()),
                ..person("bob")
            },
            User { home_unit: Some("RT".to_owned()), family_name: Some("Ñandú".to_owned()), ..person("chloé") },
        ];
        with_people(bed, &people).await;
        let mut tx = bed.read().await;
        let text = |raw: &str| Some(raw.to_owned());
        let cases: [(Filter, &[usize]); 14] = [
            (Filter::default(), &[0, 1, 2]),
            (Filter { username: text("ANAÏS"), ..Filter::default() }, &[0]),
            (Filter { email: text("bob@acad-test.fr"), ..Filter::default() }, &[1]),
            (Filter { status: text("active"), ..Filter::default() }, &[2]),
            (Filter { status: text("disabled"), ..Filter::default() }, &[1]),
            (Filter { status: text("nothing"), ..Filter::default() }, &[]),
            (Filter { home_unit: text("RT"), ..Filter::default() }, &[0, 2]),
            (Filter { given_name: text("Anaïs"), ..Filter::default() }, &[0]),
            (Filter { family_name: text("Ñandú"), ..Filter::default() }, &[2]),
            (Filter { display_name: text("Élodie Lefèvre (bob)"), ..Filter::default() }, &[1]),
            (Filter { locale: text("fr-CH"), ..Filter::default() }, &[1, 2]),
            (Filter { disabled_by: text("source"), ..Filter::default() }, &[1]),
            (Filter { home_unit: text("RT"), status: text("pending"), ..Filter::default() }, &[0]),
            (Filter { home_unit: text("RT"), username: text("bob"), ..Filter::default() }, &[]),
        ];
        for (filter, expected) in cases {
            let found = walk(1, None, async |page| user::list(&mut tx, page, &filter).await).await;
            assert_eq!(found, expected.iter().map(|at| people[*at].clone()).collect::<Vec<_>>(), "{filter:?}");
        }
        assert_eq!(user::count_active(&mut tx).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn accounts_are_listed_in_steps_with_folded_names_and_who_disabled_them() {
    on_every_engine(async |bed| {
        let off = |username: &str, by| User { status: UserStatus::Disabled, disabled_by: Some(by), ..person(username) };
        let people = [
            person("Ânne"),
            off("Bob", DisabledBy::Source),
            off("chloé", DisabledBy::Administrator),
            User { status: UserStatus::Pending, ..person("David") },
        ];
        with_people(bed, &people).await;
        let account = |at: usize, username_folded: &str| {
            let User { id, status, disabled_by, .. } = people[at];
            Account { id, username_folded: username_folded.to_owned(), status, disabled_by }
        };
        let mut tx = bed.read().await;
        let first = user::list_accounts_after(&mut tx, UserId::from(Uuid::nil()), 3).await.unwrap();
        assert_eq!(first, [account(0, "ânne"), account(1, "bob"), account(2, "chloé")]);
        let rest = user::list_accounts_after(&mut tx, people[2].id, 3).await.unwrap();
        assert_eq!(rest, [account(3, "david")]);
        assert_eq!(user::list_accounts_after(&mut tx, people[3].id, 3).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_password_hash_is_set_replaced_and_belongs_to_a_person() {
    on_every_engine(async |bed| {
        let one = person("élodie");
        with_people(bed, std::slice::from_ref(&one)).await;
        assert_eq!(credential::find_password_hash(&mut bed.read().await, one.id).await.unwrap(), None);
        for hash in ["$argon2id$v=19$m=19456,t=2,p=1$c2Vs$YQ", "$argon2id$v=19$m=65536,t=3,p=1$c2Vs$Yg"] {
            bed.write(async |tx| credential::set_password_hash(tx, one.id, hash, NOW).await).await;
            assert_eq!(credential::find_password_hash(&mut bed.read().await, one.id).await.unwrap().as_deref(), Some(hash));
        }
        bed.refuses_as_referenced(async |tx| credential::set_password_hash(tx, UserId::new(), "$argon2id$", NOW).await).await;
    })
    .await;
}

#[tokio::test]
async fn everything_that_hangs_on_a_person_goes_with_them_and_nothing_of_others() {
    on_every_engine(async |bed| {
        let (gone, stays) = (person("partie"), person("reste"));
        let (feed, app, club) = (samples::source("annuaire"), samples::application("notes"), samples::group("club"));
        let sessions = [&gone, &stays].map(samples::session);
        bed.write(async |tx| {
            user::insert_all(tx, &[gone.clone(), stays.clone()]).await?;
            source::insert(tx, &feed).await?;
            application::insert(tx, &app).await?;
            group::upsert_all(tx, std::slice::from_ref(&club)).await?;
            for (person, signed_in) in [&gone, &stays].into_iter().zip(&sessions) {
                let given = samples::grant("app", signed_in);
                let key = token(&person.username);
                credential::set_password_hash(tx, person.id, "$argon2id$", NOW).await?;
                link::upsert_all(tx, &[samples::link(&feed, person, &person.username)]).await?;
                membership::insert_all(tx, &[(club.id, person.id)]).await?;
                assignment::insert_all(tx, &[samples::assignment(person, &app, "chef")]).await?;
                session::insert(tx, key, signed_in).await?;
                consent::upsert(tx, person.id, "app", "openid", NOW).await?;
                assert!(grant::insert_in_session(tx, &given, NOW).await?);
                authorization_code::insert(tx, key, &samples::authorization_code(&given)).await?;
                refresh_token::insert(tx, key, &samples::refresh_token(&given)).await?;
                access_token::insert(tx, key, given.id, "openid", LATER).await?;
                one_time_link::replace(tx, key, &samples::one_time_link(person)).await?;
            }
            user::delete(tx, gone.id).await
        })
        .await;
        for person in [&gone, &stays] {
            let (mut tx, key) = (bed.read().await, token(&person.username));
            let left = [
                user::find(&mut tx, person.id).await.unwrap().is_some(),
                credential::find_password_hash(&mut tx, person.id).await.unwrap().is_some(),
                !link::list_of_user(&mut tx, person.id).await.unwrap().is_empty(),
                !membership::groups_of_user(&mut tx, person.id).await.unwrap().is_empty(),
                !assignment::list_of_user(&mut tx, person.id).await.unwrap().is_empty(),
                session::find_live(&mut tx, key, NOW, NOW).await.unwrap().is_some(),
                consent::find_scope(&mut tx, person.id, "app").await.unwrap().is_some(),
                authorization_code::find(&mut tx, key).await.unwrap().is_some(),
                refresh_token::find(&mut tx, key).await.unwrap().is_some(),
                access_token::find_live(&mut tx, key, NOW).await.unwrap().is_some(),
                one_time_link::find_live(&mut tx, key, NOW).await.unwrap().is_some(),
            ];
            assert_eq!(left, [person.id == stays.id; 11], "{}", person.username);
        }
    })
    .await;
}
