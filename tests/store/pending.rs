//! Who holds nothing but the default role of an application.

use passerelle::store::establishment::application::Application;
use passerelle::store::establishment::assignment::{Assignment, Origin};
use passerelle::store::establishment::pending::{self, Pending};
use passerelle::store::establishment::user::{User, UserStatus};
use passerelle::store::establishment::{application, assignment, user};
use passerelle::types::page::PageRequest;
use passerelle::types::time::Timestamp;

use super::engine::on_every_engine;
use super::samples::{self, NOW, person};

fn by_default(who: &User, of: &Application) -> Assignment {
    Assignment { origin: Origin::Default, rule_id: None, valid_from: None, valid_until: None, ..samples::assignment(who, of, "étudiant") }
}

fn names(found: &[Pending]) -> Vec<&str> {
    found.iter().map(|p| p.username.as_str()).collect()
}

#[tokio::test]
async fn who_waits_is_active_and_holds_nothing_else_now() {
    on_every_engine(async |bed| {
        let (notes, other) = (samples::application("notes"), samples::application("autre"));
        let active = |name: &str| User { status: UserStatus::Active, ..person(name) };
        let people = ["waits", "promoted", "ended", "elsewhere", "waits-too"].map(active);
        let disabled = User { status: UserStatus::Disabled, ..person("disabled") };
        let by_hand = |who: &User, of: &Application, until: Option<Timestamp>| Assignment {
            valid_from: None,
            valid_until: until,
            rule_id: None,
            origin: Origin::Manual,
            ..samples::assignment(who, of, "chef")
        };
        let mut held: Vec<Assignment> = people.iter().chain([&disabled]).map(|who| by_default(who, &notes)).collect();
        held.push(by_hand(&people[1], &notes, None));
        held.push(by_hand(&people[2], &notes, Some(NOW)));
        held.push(by_hand(&people[3], &other, None));
        bed.write(async |tx| {
            user::insert_all(tx, &people).await?;
            user::insert(tx, &disabled).await?;
            application::insert(tx, &notes).await?;
            application::insert(tx, &other).await?;
            assignment::insert_all(tx, &held).await
        })
        .await;
        let mut tx = bed.read().await;
        let all = pending::list(&mut tx, &PageRequest::first(10), notes.id, NOW).await.unwrap();
        assert_eq!((names(&all.items), all.total), (vec!["waits", "ended", "elsewhere", "waits-too"], 4));
        assert_eq!(all.items[0].since, held[0].created_at);
        let first = pending::list(&mut tx, &PageRequest::first(3), notes.id, NOW).await.unwrap();
        let after = PageRequest::parse(Some(3), first.next_cursor.as_deref(), None).unwrap();
        let rest = pending::list(&mut tx, &after, notes.id, NOW).await.unwrap();
        assert_eq!((names(&rest.items), rest.total, rest.next_cursor), (vec!["waits-too"], 4, None));
        let searched = PageRequest::parse(None, None, Some("WAITS")).unwrap();
        let found = pending::list(&mut tx, &searched, notes.id, NOW).await.unwrap();
        assert_eq!((names(&found.items), found.total), (vec!["waits", "waits-too"], 2));
        assert_eq!(pending::list(&mut tx, &searched, other.id, NOW).await.unwrap().total, 0);
    })
    .await;
}
