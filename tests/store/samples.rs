//! Rows with something in every field: accents, lists, JSON. Tests empty what they want empty.

use std::collections::BTreeMap;

use passerelle::store::establishment::application::{
    Access, Application, Cardinality, DeletionPolicy, Level, Notify, OnRoleLoss, Policy, Role, RoleScope, ScopeKind, Service,
};
use passerelle::store::establishment::assignment::{Assignment, Origin, Step};
use passerelle::store::establishment::authorization_code::AuthorizationCode;
use passerelle::store::establishment::client::{AuthMethod, Client, ConsentPolicy, Pkce, SigningAlgorithm};
use passerelle::store::establishment::grant::Grant;
use passerelle::store::establishment::group::Group;
use passerelle::store::establishment::link::{HASH_BYTES, Link};
use passerelle::store::establishment::one_time_link::{OneTimeLink, Purpose};
use passerelle::store::establishment::refresh_token::RefreshToken;
use passerelle::store::establishment::relation::Relation;
use passerelle::store::establishment::rule::{Condition, Rule};
use passerelle::store::establishment::session::Session;
use passerelle::store::establishment::source::{Guard, Source, SourceKind};
use passerelle::store::establishment::source_file::{Part, SourceFile};
use passerelle::store::establishment::sync_run::{Counts, Mode, Progress, Run, StartedBy, State};
use passerelle::store::establishment::unit::Unit;
use passerelle::store::establishment::user::{User, UserStatus};
use passerelle::types::id::{
    ApplicationId, AssignmentId, GrantId, GroupId, RelationId, RuleId, RunId, SessionId, SourceId, UnitId, UserId,
};
use passerelle::types::leaving::{Afterwards, Leaving};
use passerelle::types::secret::TokenHash;
use passerelle::types::time::Timestamp;
use serde_json::json;
use uuid::Uuid;

/// The instant everything is written at.
pub const NOW: Timestamp = Timestamp::from_seconds(1_789_459_200);
/// An hour later.
pub const LATER: Timestamp = NOW.plus_s(3600);

/// The hash of a token of this text.
pub fn token(text: &str) -> TokenHash {
    TokenHash::of(text)
}

pub fn person(username: &str) -> User {
    User {
        id: UserId::new(),
        username: username.to_owned(),
        given_name: Some("Élodie".to_owned()),
        family_name: Some("Lefèvre-d’Œuvrard".to_owned()),
        display_name: format!("Élodie Lefèvre ({username})"),
        email: Some(format!("{}@acad-test.fr", username.to_lowercase())),
        locale: Some("fr-CH".to_owned()),
        status: UserStatus::Active,
        disabled_by: None,
        home_unit: Some("0991000z".to_owned()),
        units: vec!["0991000z".to_owned(), "département/RT".to_owned()],
        attributes: BTreeMap::from([
            ("supannEtuId".to_owned(), vec!["20260042".to_owned()]),
            ("prénoms".to_owned(), vec!["Élodie".to_owned(), "Zoë \"Z\" \\ 🦉".to_owned()]),
            ("vide".to_owned(), Vec::new()),
        ]),
        last_sign_in_at: Some(NOW.plus_s(-86_400)),
        created_at: NOW.plus_s(-1_000_000),
        updated_at: NOW,
        erased_at: None,
    }
}

pub fn source(name: &str) -> Source {
    Source {
        id: SourceId::new(),
        name: name.to_owned(),
        kind: SourceKind::Ldap,
        settings: json!({ "urls": ["ldaps://annuaire.acad-test.fr"], "page_size": 500, "paged": true, "filter": null, "ratio": 0.5 }),
        secret_sealed: Some(vec![0, 255, 1, 0]),
        guard: Guard { shrink_percent: 12.5, ..Guard::default() },
        schedule: Some(serde_json::from_value(json!({ "cron": "*/15 * * * *", "zone": "Europe/Paris" })).unwrap()),
        leaving: Some(Leaving { grace_days: 90, then: Afterwards::Anonymise }),
        matching: None,
        route: Some("supannEtablissement{UAI}".to_owned()),
        routed_from: None,
        enabled: true,
        created_at: NOW.plus_s(-10),
        updated_at: NOW,
    }
}

/// A file of a source, and the one part of its content.
pub fn source_file(source: &Source) -> (SourceFile, Part) {
    let file = SourceFile {
        source_id: source.id,
        name: "élèves.csv".to_owned(),
        size: i64::from(u32::MAX),
        digest: vec![0, 159, 255],
        given_by: "user:x".to_owned(),
        given_at: NOW,
    };
    (file, Part { id: Uuid::now_v7(), part: 0, content_sealed: vec![0, 255, 1] })
}

pub fn link(source: &Source, user: &User, external_id: &str) -> Link {
    Link {
        source_id: source.id,
        external_id: external_id.to_owned(),
        user_id: user.id,
        dn: Some("uid=élodie,ou=Élèves,dc=acad-test,dc=fr".to_owned()),
        place: Some(vec![9; HASH_BYTES]),
        content_hash: vec![7; HASH_BYTES],
        present: true,
        active: true,
    }
}

pub fn group(name: &str) -> Group {
    Group {
        id: GroupId::new(),
        source_id: None,
        external_id: None,
        name: name.to_owned(),
        display_name: Some(format!("Groupe des {name}")),
        dn: Some(format!("cn={name},ou=Groupes,dc=acad-test,dc=fr")),
        dn_key: Some(format!("cn={},ou=groupes,dc=acad-test,dc=fr", name.to_lowercase())),
        place: Some(vec![8; HASH_BYTES]),
        dangling: Some(vec![6; 2 * HASH_BYTES]),
        content_hash: vec![1; HASH_BYTES],
        members_hash: vec![2; HASH_BYTES],
        member_count: 3,
        created_at: NOW.plus_s(-10),
        updated_at: NOW,
    }
}

pub fn run(source: &Source, state: State) -> Run {
    Run {
        id: RunId::new(),
        source_id: source.id,
        source: source.name.clone(),
        mode: Mode::Full,
        state,
        counts: Counts {
            read: 1,
            created: 2,
            updated: 3,
            moved: 4,
            disabled: 5,
            enabled: 6,
            removed: 7,
            quarantined: 8,
            ..Counts::default()
        },
        error: Some("l’annuaire n’a rendu que 3 entrées".to_owned()),
        approved_by: Some("user:élodie".to_owned()),
        started_at: NOW,
        duration_ms: Some(1234),
        progress: Some(Progress { noted: 9, people_before: 8, ..Progress::default() }),
        undoes: None,
        started_by: StartedBy::Schedule,
        note: None,
    }
}

pub fn application(name: &str) -> Application {
    let role = |name: &str, scope: RoleScope, level: Level| Role {
        name: name.to_owned(),
        title: format!("Rôle «{name}»"),
        scope,
        scope_kind: (level == Level::Own).then_some(ScopeKind::Relation),
        privileges: BTreeMap::from([("notes".to_owned(), level)]),
    };
    Application {
        id: ApplicationId::new(),
        name: name.to_owned(),
        title: "Relevés de notes".to_owned(),
        cardinality: Cardinality::SinglePerScope,
        default_role: Some("étudiant".to_owned()),
        scope_kind: ScopeKind::Unit,
        roles: vec![role("chef", RoleScope::Forbidden, Level::Yes), role("étudiant", RoleScope::Optional, Level::Own)],
        claim_shape: json!({ "claim": "roles", "nested": { "empty": [], "null": null } }),
        policy: Policy {
            version: Some("édition 2".to_owned()),
            roles_editable: false,
            pending_until_validated: true,
            deletion_policy: DeletionPolicy::AnonymiseKeepRefs,
            scope_inherits: true,
            relation: Some("tuteur".to_owned()),
            on_role_loss: OnRoleLoss::EndSessions,
            notify: Notify::All,
        },
        services: vec![Service { name: "permis".to_owned(), title: "Permis de construire".to_owned(), access: Access::Protected }],
        created_at: NOW.plus_s(-10),
        updated_at: NOW,
    }
}

pub fn rule(application: &Application, role: &str, priority: i64) -> Rule {
    Rule {
        id: RuleId::new(),
        application_id: application.id,
        application: application.name.clone(),
        conditions: vec![
            Condition { group: Some("rt-{dept}-enseignants".to_owned()), ..Condition::default() },
            Condition { attribute: Some("titre".to_owned()), matches: Some("É*".to_owned()), not: true, ..Condition::default() },
        ],
        role: role.to_owned(),
        scope: Some("{dept}".to_owned()),
        priority,
        enabled: true,
        valid_from: Some(NOW.plus_s(-1)),
        valid_until: Some(NOW.plus_s(1)),
        ends: Some("08-31".to_owned()),
        created_at: NOW.plus_s(-10),
        updated_at: NOW,
    }
}

pub fn assignment(user: &User, application: &Application, role: &str) -> Assignment {
    Assignment {
        id: AssignmentId::new(),
        user_id: user.id,
        application_id: application.id,
        application: application.name.clone(),
        role: role.to_owned(),
        scope: "RT".to_owned(),
        origin: Origin::Manual,
        rule_id: None,
        valid_from: Some(NOW),
        valid_until: Some(LATER),
        reason: vec![Step { kind: "entry".to_owned(), name: "uid=élodie".to_owned() }],
        given_by: Some("user:élodie".to_owned()),
        created_at: NOW,
    }
}

pub fn unit(name: &str) -> Unit {
    Unit {
        id: UnitId::new(),
        name: name.to_owned(),
        title: format!("Département {name}"),
        parent_id: None,
        parent: None,
        source_id: None,
        source: None,
        created_at: NOW.plus_s(-10),
        updated_at: NOW,
    }
}

pub fn relation(kind: &str, user: &User, other: &User) -> Relation {
    Relation {
        id: RelationId::new(),
        kind: kind.to_owned(),
        user_id: user.id,
        username: user.username.clone(),
        other_id: other.id,
        other_username: other.username.clone(),
        valid_from: Some(NOW),
        valid_until: Some(LATER),
        reason: Some("stage à l’été".to_owned()),
        created_at: NOW,
    }
}

pub fn client(client_id: &str) -> Client {
    Client {
        id: Uuid::now_v7(),
        client_id: client_id.to_owned(),
        name: "ScoDoc — département RT".to_owned(),
        application_id: None,
        application: None,
        secret_hash: Some(vec![9; 32]),
        redirect_uris: vec!["https://scodoc.acad-test.fr/callback?a=1&b=é".to_owned(), "http://127.0.0.1:8080/".to_owned()],
        post_logout_redirect_uris: vec!["https://scodoc.acad-test.fr/".to_owned()],
        backchannel_logout_uri: Some("https://scodoc.acad-test.fr/fin?é".to_owned()),
        backchannel_logout_session_required: true,
        token_endpoint_auth_method: AuthMethod::ClientSecretPost,
        id_token_signed_response_alg: SigningAlgorithm::Es256,
        scopes: vec!["openid".to_owned(), "profile".to_owned()],
        pkce: Pkce::Optional,
        consent: ConsentPolicy::Skip,
        claims_in_id_token: true,
        require_role: false,
        claim_shape: json!({ "claim": "rôle" }),
        enabled: true,
        created_at: NOW.plus_s(-10),
        updated_at: NOW,
    }
}

pub fn session(user: &User) -> Session {
    Session {
        id: SessionId::new(),
        user_id: user.id,
        method: "pwd".to_owned(),
        auth_time: NOW.plus_s(-60),
        last_seen_at: NOW,
        expires_at: LATER,
    }
}

pub fn grant(client_id: &str, session: &Session) -> Grant {
    Grant {
        id: GrantId::new(),
        user_id: session.user_id,
        client_id: client_id.to_owned(),
        session_id: session.id,
        sid: session.id,
        scope: "openid profile".to_owned(),
        nonce: Some("n-0S6_WzA2Mj é".to_owned()),
        auth_time: NOW.plus_s(-60),
        created_at: NOW,
        expires_at: LATER,
        revoked_at: None,
    }
}

pub fn authorization_code(grant: &Grant) -> AuthorizationCode {
    AuthorizationCode {
        grant_id: grant.id,
        redirect_uri: "https://scodoc.acad-test.fr/callback?a=1&b=é".to_owned(),
        code_challenge: Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned()),
        expires_at: NOW.plus_s(60),
        spent_at: None,
    }
}

pub fn refresh_token(grant: &Grant) -> RefreshToken {
    RefreshToken { grant_id: grant.id, expires_at: LATER.plus_s(-7), rotated_at: None }
}

pub fn one_time_link(user: &User) -> OneTimeLink {
    OneTimeLink { user_id: user.id, purpose: Purpose::Invitation, created_at: NOW, expires_at: LATER }
}
