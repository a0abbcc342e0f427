//! Sources that are files: given, checked, previewed and synced like a directory, with the same plan, guard and history.

use connectors::{Content, Level};
use passerelle::services::context::{Actor, Context};
use passerelle::services::error::Error;
use passerelle::services::sources::{self, SourceFields};
use passerelle::services::{groups, source_files, source_words, sync, users};
use passerelle::store::establishment::change::{self, Operation};
use passerelle::store::establishment::group;
use passerelle::store::establishment::source::{Guard, SourceKind};
use passerelle::store::establishment::sync_run::{Mode, Run, State};
use passerelle::store::establishment::user::{Filter, User, UserStatus};
use passerelle::types::id::UserId;
use passerelle::types::leaving::Leaving;
use passerelle::types::locale::Locale;
use passerelle::types::matching::Matching;
use passerelle::types::page::PageRequest;
use passerelle::types::permission::GatewayRole;
use serde_json::{Value, json};

use super::open_guard;
use crate::harness::gateway::TestGateway;

const PUPILS: &str = "numéro;genre;nom;prenom;date naiss.;courriel;classe;groupes\r\n\
    101;F;Lefèvre;Zoé;03/09/2011;zoe@acad-test.fr;3A;Latin|Chorale\r\n\
    102;M;Martin;Léa;14/01/2011;;3A;\r\n\
    103;M;Noël;Jean;02/02/2011;;3B;Latin\r\n";

/// A gateway with an establishment fed by files.
struct Office {
    ctx: Context,
    _gateway: TestGateway,
}

impl Office {
    async fn with(kind: SourceKind, settings: Value, guard: Guard) -> Self {
        let gateway = TestGateway::start().await;
        let (_, ctx) = gateway.establishment("Collège Simone Veil").await;
        let fields = SourceFields {
            name: "pupils".to_owned(),
            kind,
            settings,
            schedule: None,
            guard,
            leaving: Leaving::default(),
            matching: Matching::default(),
            route: None,
            enabled: true,
        };
        sources::create(&ctx, &fields).await.unwrap();
        Self { ctx, _gateway: gateway }
    }

    async fn of_pupils(guard: Guard) -> Self {
        Self::with(SourceKind::Csv, json!({ "profile": "sacoche-pupils" }), guard).await
    }

    async fn give(&self, text: &str) {
        source_files::give(&self.ctx, "pupils", content(text.as_bytes())).await.unwrap();
    }

    /// Gives a file and syncs it.
    async fn sync(&self, text: &str) -> Run {
        self.give(text).await;
        sync::run_to_end(&self.ctx, "pupils", Mode::Full).await.unwrap()
    }

    async fn synced(&self, text: &str) -> Run {
        let run = self.sync(text).await;
        assert_eq!((run.state, run.error.as_deref()), (State::Done, None));
        run
    }

    async fn everyone(&self) -> Vec<User> {
        let page = users::list(&self.ctx, &PageRequest::first(500), &Filter::default()).await.unwrap();
        page.items.into_iter().filter(|user| user.username != "admin").collect()
    }

    async fn usernames(&self) -> Vec<String> {
        let mut names: Vec<String> = self.everyone().await.into_iter().map(|user| user.username).collect();
        names.sort();
        names
    }

    async fn members(&self, group: &str) -> Vec<String> {
        let all = groups::list(&self.ctx, &PageRequest::first(500), &group::Filter::default()).await.unwrap().items;
        let Some(group) = all.iter().find(|one| one.name == group) else { return Vec::new() };
        let members = groups::members(&self.ctx, group.id, false, &PageRequest::first(500)).await.unwrap().items;
        let mut names: Vec<String> = members.into_iter().map(|member| member.username).collect();
        names.sort();
        names
    }

    async fn changes(&self, run: &Run) -> Vec<(Operation, String)> {
        let changes = sync::changes(&self.ctx, run.id, 0, 500, &change::Filter::default()).await.unwrap().0;
        changes.into_iter().map(|change| (change.operation, change.name)).collect()
    }
}

fn content(bytes: &[u8]) -> Content {
    Content { name: "élèves.csv".to_owned(), bytes: bytes.into() }
}

#[tokio::test]
async fn pupils_of_a_spreadsheet_become_people_and_groups_and_the_same_file_changes_nothing() {
    let office = Office::of_pupils(open_guard()).await;
    let first = office.synced(PUPILS).await;
    assert_eq!((first.counts.created, first.counts.quarantined, first.counts.memberships_added), (7, 0, 6));
    assert_eq!(office.usernames().await, ["jean.noel", "lea.martin", "zoe.lefevre"]);
    let zoe = users::resolve(&office.ctx, "zoe.lefevre").await.unwrap();
    assert_eq!(
        (zoe.email.as_deref(), zoe.attributes["birth_date"].as_slice()),
        (Some("zoe@acad-test.fr"), ["2011-09-03".to_owned()].as_slice())
    );
    assert_eq!(office.members("3A").await, ["lea.martin", "zoe.lefevre"]);
    assert_eq!(office.members("Latin").await, ["jean.noel", "zoe.lefevre"]);
    let windows: Vec<u8> = PUPILS.replace(';', "\t").chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    source_files::give(&office.ctx, "pupils", content(&windows)).await.unwrap();
    let again = sync::run_to_end(&office.ctx, "pupils", Mode::Changes).await.unwrap();
    assert_eq!((again.state, again.note.as_deref()), (State::Done, None));
    assert_eq!(office.changes(&again).await, [], "another encoding and delimiter say the same");
}

#[tokio::test]
async fn a_second_file_brings_changes_homonyms_and_leavers() {
    let office = Office::of_pupils(open_guard()).await;
    office.synced(PUPILS).await;
    let second = "numero;nom;prenom;classe;groupes\n\
        50;Martin;Lea;3B;\n\
        101;Lefèvre-Roy;Zoé;3B;Latin\n\
        102;Martin;Léa;3A;Chorale\n";
    let run = office.synced(second).await;
    assert_eq!((run.counts.disabled, run.counts.moved), (1, 0));
    assert_eq!(office.usernames().await, ["jean.noel", "lea.martin", "lea.martin2", "zoe.lefevre"], "names once given stay");
    assert_eq!(office.members("3B").await, ["lea.martin2", "zoe.lefevre"]);
    assert_eq!(office.members("Chorale").await, ["lea.martin"]);
    let zoe = users::resolve(&office.ctx, "zoe.lefevre").await.unwrap();
    assert_eq!(zoe.family_name.as_deref(), Some("Lefèvre-Roy"));
    let jean = users::resolve(&office.ctx, "jean.noel").await.unwrap();
    assert_eq!(jean.status, UserStatus::Disabled);
    let back = office.synced(PUPILS).await;
    assert_eq!((back.counts.enabled, back.counts.disabled), (1, 1));
    assert_eq!(users::resolve(&office.ctx, "jean.noel").await.unwrap().id, jean.id);
}

#[tokio::test]
async fn a_file_cut_short_is_held_by_the_guard_and_an_empty_one_changes_nothing() {
    let office = Office::of_pupils(Guard::default()).await;
    let many: String = (0..40).map(|n| format!("{n};Nom{n};Prenom{n};3A;\n")).collect();
    let columns = "numero;nom;prenom;classe;groupes\n";
    office.synced(&format!("{columns}{many}")).await;
    let cut: String = many.lines().take(20).fold(columns.to_owned(), |text, line| format!("{text}{line}\n"));
    for (file, read) in [(cut.as_str(), 21), (columns, 0)] {
        let held = office.sync(file).await;
        assert_eq!((held.state, held.counts.read), (State::Held, read), "{:?}", held.error);
    }
    let failed = office.sync("").await;
    assert_eq!(failed.state, State::Failed);
    let said = failed.error.unwrap();
    assert!(said.starts_with("élèves.csv: the file is empty") && said.contains("nothing was changed"), "{said}");
    assert!(office.everyone().await.iter().all(|user| user.status == UserStatus::Active));
}

#[tokio::test]
async fn rows_that_cannot_be_used_are_named_and_their_people_stay_as_they_were() {
    let office = Office::of_pupils(Guard::default()).await;
    office.synced(PUPILS).await;
    let broken = PUPILS.replace("102;M;Martin;Léa;14/01/2011;;3A;", "102;M;Martin").replace("103;M;Noël;Jean", "103;M;;");
    let run = office.synced(&broken).await;
    assert_eq!((run.counts.disabled, run.counts.quarantined), (0, 2));
    assert!(office.everyone().await.iter().all(|user| user.status == UserStatus::Active));
    assert_eq!(office.members("3B").await, ["jean.noel"], "a row without a first name keeps its class");
}

#[tokio::test]
async fn a_preview_reads_a_file_that_is_not_kept() {
    let office = Office::of_pupils(open_guard()).await;
    let none = sync::run_to_end(&office.ctx, "pupils", Mode::Full).await.unwrap();
    assert!(none.state == State::Failed && none.error.as_deref().is_some_and(|said| said.contains("given no file yet")), "{none:?}");
    let preview = sync::preview_file(&office.ctx, "pupils", content(PUPILS.as_bytes())).await.unwrap();
    assert_eq!((preview.state, preview.mode, preview.counts.created), (State::Done, Mode::Preview, 7));
    assert_eq!(office.everyone().await, []);
    assert!(matches!(source_files::given(&office.ctx, "pupils").await, Err(Error::NotFound(_))));
    let steps = source_files::check(&office.ctx, "pupils", content(PUPILS.as_bytes())).await.unwrap();
    let told: Vec<String> = steps.iter().map(|step| source_words::detail(step, Locale::Fr)).collect();
    assert_eq!(told[1..3], ["UTF-8 (reconnu)", "« ; » (reconnu)"]);
    assert!(told[3].starts_with("colonnes : 8 («numéro», «genre»") && told[3].ends_with("clé : «numéro»"), "{told:?}");
    assert!(steps.iter().all(|step| step.level == Level::Ok), "{steps:?}");
    let people = steps.iter().find(|step| step.name == "people").unwrap();
    assert_eq!((people.count, people.sample.len()), (Some(3), 3));
}

#[tokio::test]
async fn what_is_kept_is_sealed_and_comes_back_whole() {
    let office = Office::of_pupils(open_guard()).await;
    let many: String = (0..60_000).map(|n: u64| format!("{n};Nom{n};P{};3A;\n", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    let text = format!("numero;nom;prenom;classe;groupes\n{many}");
    office.give(&text).await;
    let file = source_files::given(&office.ctx, "pupils").await.unwrap();
    assert_eq!((file.name.as_str(), usize::try_from(file.size).unwrap()), ("élèves.csv", text.len()));
    let preview = sync::run_to_end(&office.ctx, "pupils", Mode::Preview).await.unwrap();
    assert_eq!((preview.state, preview.counts.created), (State::Done, 60_001), "{:?}", preview.error);
    source_files::forget(&office.ctx, "pupils").await.unwrap();
    assert!(matches!(source_files::forget(&office.ctx, "pupils").await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn a_file_of_the_machine_is_for_operators_to_name_and_read_at_each_run() {
    let office = Office::of_pupils(open_guard()).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nightly.csv");
    std::fs::write(&path, PUPILS).unwrap();
    let acting = |role| Context { actor: Actor::user(UserId::new(), &[role]), ..office.ctx.clone() };
    let standing = sources::get(&office.ctx, "pupils").await.unwrap();
    let mut fields = SourceFields::from(&standing);
    fields.settings["path"] = json!(path);
    let refused = sources::update(&acting(GatewayRole::Administrator), &standing, &fields).await;
    let Err(Error::Invalid(wrong)) = refused else { panic!("{refused:?}") };
    assert_eq!(wrong[0].field, "settings.path");
    sources::update(&acting(GatewayRole::Operator), &standing, &fields).await.unwrap();
    let given = source_files::give(&office.ctx, "pupils", content(PUPILS.as_bytes())).await;
    assert!(matches!(given, Err(Error::Conflict(_))), "{given:?}");
    let run = sync::run_to_end(&office.ctx, "pupils", Mode::Full).await.unwrap();
    assert_eq!((run.state, run.counts.created), (State::Done, 7));
    std::fs::remove_file(&path).unwrap();
    let run = sync::run_to_end(&office.ctx, "pupils", Mode::Full).await.unwrap();
    let said = run.error.unwrap();
    assert!(run.state == State::Failed && said.contains("nightly.csv cannot be read: the gateway's log says why"), "{said}");
    assert!(office.everyone().await.iter().all(|user| user.status == UserStatus::Active));
}

#[tokio::test]
async fn settings_of_files_are_checked_by_name_and_only_files_take_files() {
    let office = Office::of_pupils(open_guard()).await;
    let fields = |kind, settings| SourceFields {
        name: "other".to_owned(),
        kind,
        settings,
        schedule: None,
        guard: open_guard(),
        leaving: Leaving::default(),
        matching: Matching::default(),
        route: None,
        enabled: true,
    };
    for (kind, settings, field) in [
        (SourceKind::Csv, json!({}), "settings.key"),
        (SourceKind::Csv, json!({ "key": "n" }), "settings.mapping.username"),
        (SourceKind::Csv, json!({ "profile": "sacoche-pupils", "delimiter": "#" }), "settings.delimiter"),
        (SourceKind::Ldif, json!({ "user_filter": "(uid=" }), "settings.user_filter"),
        (SourceKind::Ldif, json!({ "bind_password": "x" }), "settings.bind_password"),
        (SourceKind::Scim, json!({ "urls": [] }), "settings"),
    ] {
        let refused = sources::create(&office.ctx, &fields(kind, settings)).await;
        let Err(Error::Invalid(wrong)) = refused else { panic!("{refused:?}") };
        assert_eq!(wrong.iter().map(|one| one.field.as_str()).collect::<Vec<_>>(), [field]);
    }
    let directory = json!({ "urls": ["ldap://127.0.0.1:1"], "base_dn": "dc=x", "tls": { "mode": "none" } });
    sources::create(&office.ctx, &fields(SourceKind::Ldap, directory)).await.unwrap();
    let given = source_files::give(&office.ctx, "other", content(b"x")).await;
    assert!(matches!(given, Err(Error::Conflict(_))), "{given:?}");
    let nameless = Content { name: "a/\u{7}".to_owned(), ..content(b"x") };
    assert!(matches!(source_files::give(&office.ctx, "pupils", nameless).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn a_ldif_file_feeds_people_groups_and_states() {
    let office = Office::with(SourceKind::Ldif, json!({}), open_guard()).await;
    let entry = |uid: &str, more: &str| {
        format!("dn: uid={uid},ou=people,dc=x\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\nentryUUID: {uid}-1\n{more}\n")
    };
    let group = "dn: cn=staff,dc=x\nobjectClass: groupOfNames\ncn: staff\nentryUUID: g\nmember: uid=anne,ou=people,dc=x\nmember: uid=bob,ou=people,dc=x\n";
    office.synced(&format!("{}{}{group}", entry("anne", ""), entry("bob", "pwdAccountLockedTime: 000001010000Z\n"))).await;
    assert_eq!(office.members("staff").await, ["anne", "bob"]);
    assert_eq!(users::resolve(&office.ctx, "bob").await.unwrap().status, UserStatus::Disabled);
    let renamed = entry("anne", "").replace("uid=anne,ou=people", "uid=anne,ou=staff");
    let run = office.synced(&format!("{renamed}{}{}", entry("bob", ""), group.replace("uid=anne,ou=people", "uid=anne,ou=staff"))).await;
    assert_eq!((run.counts.moved, run.counts.enabled, run.counts.disabled), (1, 1, 0));
    let broken = office.sync(&format!("{renamed}\nnonsense\n")).await;
    assert!(broken.state == State::Failed && broken.error.as_deref().is_some_and(|said| said.contains("line 9: no colon")), "{broken:?}");
}
