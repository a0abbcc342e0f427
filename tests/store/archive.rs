//! Whole tables: the list against the migrations, and rows that come back the same on every engine.

use std::collections::BTreeMap;
use std::path::Path;

use passerelle::store::establishment::archive::{self, Cell, Row};
use passerelle::store::establishment::archive_tables::{Column, FLEETING, Kind, LEFT_OUT, Missing, SCHEMA_VERSION, TABLES};
use passerelle::store::establishment::audit_event::AuditEvent;
use passerelle::store::establishment::change::{Change, ChangeKind, Operation};
use passerelle::store::establishment::sync_run::State;
use passerelle::store::establishment::{
    access_token, application, assignment, audit_event, authorization_code, change, client, consent, credential, ended_assignment, grant,
    group, link, membership, one_time_link, provisioning, refresh_token, rule, session, source, source_file, sync_run, throttle, user,
};
use passerelle::store::{Error, Store, Tx};
use regex::Regex;
use uuid::Uuid;

use super::engine::{Bed, at, on_every_engine, write_in};
use super::samples::{self, LATER, NOW, person, token};

/// A column as PostgreSQL's migrations declare it: its type, and whether it may be empty.
type Declared = BTreeMap<String, Vec<(String, Kind, bool)>>;

fn kind(declared: &str) -> Kind {
    match declared {
        "UUID" => Kind::Uuid,
        "BYTEA" => Kind::Bytes,
        "BIGINT" => Kind::Int,
        "BOOLEAN" => Kind::Bool,
        "JSONB" => Kind::Json,
        "TEXT" => Kind::Text,
        other => panic!("{other} has no kind in an archive: give it one"),
    }
}

/// Every table of an establishment's store.
fn declared() -> Declared {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/establishment/postgres");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let last = files.last().unwrap().file_name().unwrap().to_string_lossy().into_owned();
    assert!(
        last.starts_with(&format!("{SCHEMA_VERSION:04}_")),
        "SCHEMA_VERSION of archives is {SCHEMA_VERSION}, and the last migration {last}"
    );
    let sql: String = files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let create = Regex::new(r"(?s)CREATE TABLE (\w+) \((.*?)\n?\);").unwrap();
    let column = Regex::new(r"^\s*(?:ALTER TABLE (\w+) ADD COLUMN )?(\w+) (UUID|BYTEA|BIGINT|BOOLEAN|JSONB|TEXT)\b(.*)$").unwrap();
    let mut tables = Declared::new();
    for table in create.captures_iter(&sql) {
        let columns = table[2].lines().filter_map(|line| column.captures(line));
        let columns = columns.map(|c| (c[2].to_owned(), kind(&c[3]), !c[4].contains("NOT NULL"))).collect();
        tables.insert(table[1].to_owned(), columns);
    }
    for added in sql.lines().filter(|line| line.starts_with("ALTER TABLE")).filter_map(|line| column.captures(line)) {
        tables.get_mut(&added[1]).unwrap().push((added[2].to_owned(), kind(&added[3]), !added[4].contains("NOT NULL")));
    }
    tables
}

#[test]
fn every_table_is_archived_or_left_out_for_a_reason() {
    let declared = declared();
    assert!(declared.len() > 20, "the tables are found: {:?}", declared.keys());
    for name in declared.keys() {
        let archived = TABLES.iter().any(|table| table.name == name);
        let left_out = LEFT_OUT.iter().any(|(out, why, _)| out == name && why.len() > 10);
        assert!(archived != left_out, "{name}: say in archive_tables.rs whether archives hold it, or why they do not");
    }
    let held_nothing = ["write_turn", "_sqlx_migrations", "bulk_runs", "bulk_items"];
    for (name, ..) in LEFT_OUT.iter().filter(|(name, ..)| !held_nothing.contains(name)) {
        assert!(
            FLEETING.iter().any(|table| table.name == *name),
            "{name}: a store that moves takes it along, so archive_tables.rs lists it"
        );
    }
    let known = |name: &str| declared.contains_key(name) || name == "_sqlx_migrations";
    let gone: Vec<_> = TABLES.iter().map(|t| t.name).chain(LEFT_OUT.iter().map(|(name, ..)| *name)).filter(|name| !known(name)).collect();
    assert!(gone.is_empty(), "no migration makes these tables: {gone:?}");
}

#[test]
fn every_column_of_an_archived_table_is_archived_as_it_is_declared() {
    let declared = declared();
    for table in TABLES.iter().chain(FLEETING) {
        let listed: Vec<(String, Kind, bool)> = table.columns.iter().map(|c| (c.name.to_owned(), c.kind, c.nullable)).collect();
        assert_eq!(listed, declared[table.name], "{}: archive_tables.rs and the migrations differ", table.name);
        let sealed = |c: &&Column| c.name.ends_with("_sealed");
        assert!(table.columns.iter().filter(sealed).all(|c| c.sealed), "{}: what is sealed is marked", table.name);
    }
}

#[test]
fn a_column_younger_than_the_first_version_has_something_for_older_archives() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/establishment/postgres");
    let first = std::fs::read_to_string(folder.join("0001_people_roles_and_sign_in.sql")).unwrap();
    for table in TABLES.iter().filter(|table| first.contains(&format!("CREATE TABLE {} (", table.name))) {
        let start = first.find(&format!("CREATE TABLE {} (", table.name));
        let born = start.map(|at| first[at..].split(");\n").next().unwrap().to_owned());
        for column in table.columns {
            let is_first = born.as_ref().is_none_or(|text| text.contains(&format!("\n    {} ", column.name)));
            assert_eq!(is_first, column.missing == Missing::Refused, "{}.{}", table.name, column.name);
        }
    }
}

/// Something in every table that is archived, and in those that hang on them.
async fn fill(tx: &mut Tx) -> Result<user::User, Error> {
    let (elodie, other) = (person("elodie"), person("Zoë"));
    let (feed, staff, inner) = (samples::source("annuaire"), samples::group("profs"), samples::group("maths"));
    user::insert(tx, &elodie).await?;
    user::insert(tx, &user::User { email: None, given_name: None, last_sign_in_at: None, ..other.clone() }).await?;
    credential::set_password_hash(tx, elodie.id, "$argon2id$…", NOW).await?;
    source::insert(tx, &feed).await?;
    source::insert(tx, &source::Source { secret_sealed: None, ..samples::source("autre") }).await?;
    let (file, part) = samples::source_file(&feed);
    source_file::keep(tx, &file, &[part]).await?;
    link::upsert_all(tx, &[samples::link(&feed, &elodie, "e-1"), samples::link(&feed, &other, "é-2")]).await?;
    group::upsert_all(tx, &[staff.clone(), inner.clone()]).await?;
    membership::insert_all(tx, &[(staff.id, elodie.id), (inner.id, elodie.id), (inner.id, other.id)]).await?;
    membership::insert_nesting(tx, staff.id, inner.id).await?;
    let run = samples::run(&feed, State::Done);
    sync_run::insert(tx, &run).await?;
    let change = |seq, detail| Change {
        seq,
        kind: ChangeKind::User,
        operation: Operation::Updated,
        subject_id: (seq == 1).then_some(elodie.id.uuid()),
        name: "elodie".to_owned(),
        detail,
    };
    change::insert_all(tx, run.id, &[change(1, Some(serde_json::json!({ "given_name": null }))), change(2, None)]).await?;
    let notes = samples::application("notes");
    application::insert(tx, &notes).await?;
    rule::insert(tx, &samples::rule(&notes, "chef", 3)).await?;
    let given = samples::assignment(&elodie, &notes, "chef");
    assignment::insert_all(tx, std::slice::from_ref(&given)).await?;
    ended_assignment::keep_all(tx, &[given.id], LATER).await?;
    insert_placed(tx, &elodie, &other).await?;
    client::insert(tx, &client::Client { application_id: Some(notes.id), ..samples::client("scodoc") }).await?;
    client::insert(tx, &client::Client { secret_hash: None, ..samples::client("public") }).await?;
    consent::upsert(tx, elodie.id, "scodoc", "openid profile", NOW).await?;
    insert_reviewed(tx, (&elodie, &other), &notes).await?;
    provisioning::insert(tx, &super::provisioning::provisioning_of(&notes, provisioning::Groups::Roles)).await?;
    insert_key_and_token(tx, &elodie).await?;
    insert_matched(tx, &feed, &elodie).await?;
    super::scim::insert_pushed(tx, &elodie).await?;
    audit_event::insert(tx, &event("first")).await?;
    Ok(elodie)
}

/// Units, a relation, and rules prepared for a date.
async fn insert_placed(tx: &mut Tx, one: &user::User, other: &user::User) -> Result<(), Error> {
    use passerelle::store::establishment::{relation, rule_set, unit};
    let faculty = samples::unit("faculté");
    unit::insert_all(tx, &[faculty.clone(), unit::Unit { parent_id: Some(faculty.id), ..samples::unit("département") }]).await?;
    relation::insert_all(tx, &[samples::relation("tuteur", one, other)]).await?;
    rule_set::insert(tx, &super::history::set("rentrée")).await
}

/// What someone is not to hold and uses, and a review of what they hold.
async fn insert_reviewed(tx: &mut Tx, (who, by): (&user::User, &user::User), of: &application::Application) -> Result<(), Error> {
    use super::reviews;
    use passerelle::store::establishment::{application_use, campaign, exclusion, review_item};
    exclusion::insert(tx, &super::exclusions::excluded(who, of, "chef")).await?;
    application_use::note(tx, who.id, of.id, NOW).await?;
    let begun = reviews::campaign("automne");
    campaign::insert(tx, &begun).await?;
    let item = reviews::item(&begun, who, Some(by), "chef");
    review_item::insert_all(tx, &[item.clone(), reviews::item(&begun, by, None, "chef")]).await?;
    review_item::decide(tx, &reviews::withdrawn(&item)).await
}

async fn insert_key_and_token(tx: &mut Tx, maker: &user::User) -> Result<(), Error> {
    use passerelle::store::establishment::api_token::{self, ApiToken, TokenKind};
    use passerelle::store::establishment::signing_key::{self, KeyState, SigningKey};
    let key = SigningKey {
        kid: "kid-é".to_owned(),
        algorithm: client::SigningAlgorithm::Es256,
        public_jwk: serde_json::json!({ "kty": "EC" }),
        private_sealed: vec![1, 2, 3],
        state: KeyState::Active,
        created_at: NOW,
    };
    signing_key::insert(tx, &key).await?;
    let made = ApiToken {
        id: passerelle::types::id::TokenId::new(),
        name: "Relevés".to_owned(),
        kind: TokenKind::Api,
        scope: "auditor".to_owned(),
        created_at: NOW,
        last_used_at: None,
        expires_at: Some(LATER),
        created_by: Some(maker.id),
        within: Some("rt".to_owned()),
        source_id: None,
    };
    api_token::insert(tx, token("api"), &made).await
}

/// What another source says of someone, and a question about someone else.
async fn insert_matched(tx: &mut Tx, feed: &source::Source, who: &user::User) -> Result<(), Error> {
    use passerelle::store::establishment::proposal::{self, Proposal, ProposalState};
    use passerelle::store::establishment::statement::{self, Stated, Statement};
    let said = Statement { source_id: feed.id, external_id: "e-1".to_owned(), user_id: who.id, stated: Stated::of(who), present: true };
    statement::keep(tx, &said).await?;
    let open = Proposal {
        id: passerelle::types::id::ProposalId::new(),
        source_id: feed.id,
        source: feed.name.clone(),
        external_id: "é-3".to_owned(),
        user_id: who.id,
        username: who.username.clone(),
        rule: "email".to_owned(),
        detail: serde_json::json!({ "entry": { "display_name": "Élodie" } }),
        state: ProposalState::Open,
        created_at: NOW,
        decided_at: None,
        decided_by: None,
    };
    proposal::propose(tx, &open).await
}

pub fn event(action: &str) -> AuditEvent {
    AuditEvent {
        id: Uuid::now_v7(),
        at: NOW,
        actor: "system".to_owned(),
        action: action.to_owned(),
        subject_kind: "user".to_owned(),
        subject_id: "élodie".to_owned(),
        detail: serde_json::json!({ "n": 1 }),
    }
}

/// What is of a session: it hangs on people, and ends with a restore.
async fn sign_in(tx: &mut Tx, who: &user::User) -> Result<(), Error> {
    let live = samples::session(who);
    let given = samples::grant("scodoc", &live);
    session::insert(tx, token("session"), &live).await?;
    assert!(grant::insert_in_session(tx, &given, NOW).await?);
    authorization_code::insert(tx, token("code"), &samples::authorization_code(&given)).await?;
    refresh_token::insert(tx, token("refresh"), &samples::refresh_token(&given)).await?;
    access_token::insert(tx, token("access"), given.id, "openid", LATER).await?;
    one_time_link::replace(tx, token("link"), &samples::one_time_link(who)).await?;
    throttle::count_failure(tx, token("who"), NOW, NOW.plus_s(-60)).await?;
    Ok(())
}

/// Every row of every table, read in pages of this size.
async fn everything(store: &Store, page: i64) -> BTreeMap<&'static str, Vec<Row>> {
    let mut tx = store.read().await.unwrap();
    let mut all = BTreeMap::new();
    for table in TABLES {
        let mut rows: Vec<Row> = Vec::new();
        loop {
            let more = archive::list_rows(&mut tx, table, rows.last(), page).await.unwrap();
            assert!(i64::try_from(more.len()).unwrap() <= page);
            if more.is_empty() {
                break;
            }
            rows.extend(more);
        }
        assert_eq!(i64::try_from(rows.len()).unwrap(), archive::count_rows(&mut tx, table).await.unwrap(), "{}", table.name);
        all.insert(table.name, rows);
    }
    all
}

#[tokio::test]
async fn every_row_of_every_table_comes_back_the_same_in_another_store() {
    on_every_engine(async |bed: &Bed| {
        bed.write(fill).await;
        let before = everything(&bed.store, 1000).await;
        for (name, rows) in &before {
            assert!(!rows.is_empty(), "{name}: this test writes no row of it");
        }
        assert_eq!(before, everything(&bed.store, 1).await, "pages of one row hold the same as one page");
        let copy = bed.stores.provision_new(at("copie")).await.unwrap();
        write_in(&copy, async |tx| {
            for table in TABLES {
                archive::insert_rows(tx, table, &before[table.name]).await?;
            }
            Ok(())
        })
        .await;
        assert_eq!(before, everything(&copy, 2).await);
        let people = user::usernames(&mut copy.read().await.unwrap()).await.unwrap();
        assert_eq!(people.len(), 2, "the rows are rows of entities");
    })
    .await;
}

#[tokio::test]
async fn emptying_leaves_the_trail_and_the_counters_of_failures_and_nothing_else() {
    on_every_engine(async |bed: &Bed| {
        bed.write(async |tx| {
            let elodie = fill(tx).await?;
            sign_in(tx, &elodie).await
        })
        .await;
        let before = everything(&bed.store, 100).await;
        bed.write(async |tx| archive::delete_everything(tx).await).await;
        let after = everything(&bed.store, 100).await;
        for table in TABLES {
            let left = &after[table.name];
            assert_eq!(left.len(), usize::from(table.name == "audit_events"), "{}", table.name);
        }
        let mut tx = bed.read().await;
        assert!(throttle::find(&mut tx, token("who")).await.unwrap().is_some(), "failures are still counted");
        assert!(session::find_live(&mut tx, token("session"), NOW, NOW.plus_s(-3600)).await.unwrap().is_none());
        assert!(refresh_token::find(&mut tx, token("refresh")).await.unwrap().is_none());
        drop(tx);
        // The trail of the archive completes the one that is there.
        bed.write(async |tx| audit_event::insert(tx, &event("second")).await).await;
        bed.write(async |tx| {
            for table in TABLES {
                archive::insert_rows(tx, table, &before[table.name]).await?;
            }
            Ok(())
        })
        .await;
        let mut expected = before.clone();
        let trail = everything(&bed.store, 100).await.remove("audit_events").unwrap();
        assert_eq!(trail.len(), 2);
        expected.insert("audit_events", trail);
        assert_eq!(everything(&bed.store, 100).await, expected);
    })
    .await;
}

#[tokio::test]
async fn rows_that_contradict_what_is_there_are_refused() {
    on_every_engine(async |bed: &Bed| {
        bed.write(fill).await;
        let rows = everything(&bed.store, 100).await;
        let table = |name: &str| TABLES.iter().find(|table| table.name == name).unwrap();
        let refused = bed.refusal(async |tx| archive::insert_rows(tx, table("users"), &rows["users"]).await).await;
        assert!(matches!(refused, Error::Taken(_)), "{refused:?}");
        let mut orphan = rows["memberships"][0].clone();
        orphan[1] = Cell::Uuid(Uuid::now_v7());
        bed.refuses_as_referenced(async |tx| {
            archive::insert_rows(tx, table("memberships"), &[orphan]).await?;
            Ok(())
        })
        .await;
    })
    .await;
}
