//! Answers to applications: whether someone has a privilege, where, how far and why. Reads what is recorded; evaluates no rule.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use utoipa::ToSchema;

use super::super::context::Context;
use super::super::error::Error;
use super::authority::seen;
use super::decide::Catalogue;
use super::held::counting;
use super::weigh::{Asked, Because, Enough, Relation, Verdict, wants_relation, weigh};
use crate::store::Tx;
use crate::store::establishment::application::{self, Application};
use crate::store::establishment::assignment::{self, Assignment, Within};
use crate::store::establishment::client::Client;
use crate::store::establishment::user::{self, User, UserStatus};
use crate::store::establishment::{relation, unit};
use crate::types::Invalid;
use crate::types::id::UserId;

/// Most questions asked at once.
pub const QUESTIONS_MAX: usize = 1_000;
/// Longest privilege or scope that is asked about, in characters.
const TEXT_LENGTH_MAX: usize = 500;
/// The scope that releases roles to a client.
const ROLES: &str = "roles";

/// One question: may this person do that, there?
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The person, by key: the `sub` of tokens. One of this and `username`.
    #[serde(default)]
    pub user: Option<UserId>,
    /// The person, by the name to sign in with.
    #[serde(default)]
    pub username: Option<String>,
    /// The application's name.
    pub application: String,
    /// A privilege of its catalogue; `access` for one of its services.
    pub privilege: String,
    /// Where: a unit, or a service; everywhere when left out.
    #[serde(default)]
    pub scope: Option<String>,
    /// Whose things they are, for privileges that go as far as `own`: a person's key or user name.
    #[serde(default)]
    pub relation_to: Option<String>,
    /// How far it has to go to be allowed: `read` when left out, `yes` where reading is not enough.
    #[serde(default)]
    pub level: Enough,
}

/// Answers questions in their order.
///
/// # Errors
/// `Invalid` with the place of a question that cannot be one, `checks[3].user`; `Forbidden`.
pub async fn answer(ctx: &Context, questions: &[Question]) -> Result<Vec<Verdict>, Error> {
    let within = seen(ctx)?;
    answer_all(ctx, questions, within.as_ref()).await
}

/// The same for an application that asks about itself, by a client of its own that proved who it is.
///
/// # Errors
/// As for [`answer`]; `Forbidden` when a question is about another application.
///
/// A client is not told by which facts someone has a role; and whether they are known or active only if it is released roles.
pub async fn answer_client(ctx: &Context, client: &Client, questions: &[Question]) -> Result<Vec<Verdict>, Error> {
    if !client.enabled || client.secret_hash.is_none() {
        return Err(Error::Unauthenticated);
    }
    let own = client.application.as_deref();
    if own.is_none() || questions.iter().any(|question| Some(question.application.as_str()) != own) {
        let whose = own.map_or_else(|| "this client has no application".to_owned(), |own| format!("this client's is «{own}»"));
        return Err(Error::Forbidden(format!("a client asks about its own application only: {whose}")));
    }
    let told_who = client.scopes.iter().any(|scope| scope == ROLES);
    Ok(answer_all(ctx, questions, None).await?.into_iter().map(|verdict| verdict.for_client(told_who)).collect())
}

async fn answer_all(ctx: &Context, questions: &[Question], within: Option<&Within>) -> Result<Vec<Verdict>, Error> {
    if questions.len() > QUESTIONS_MAX {
        return Err(Error::invalid("checks", format!("are {}, more than {QUESTIONS_MAX}: ask in several requests", questions.len())));
    }
    let place = |at: usize, invalid: Invalid| Invalid::new(format!("checks[{at}].{}", invalid.field), invalid.message);
    let wrong: Vec<Invalid> = questions
        .iter()
        .enumerate()
        .flat_map(|(at, question)| question.wrong().into_iter().map(move |invalid| place(at, invalid)))
        .collect();
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let mut desk =
        Desk { ctx, within, tx: ctx.store.read().await?, applications: HashMap::new(), people: HashMap::new(), above: HashMap::new() };
    let mut answers = Vec::with_capacity(questions.len());
    for (at, question) in questions.iter().enumerate() {
        let Some(application) = desk.application(&question.application).await? else {
            let unknown = Invalid::new("application", format!("there is no application «{}»", question.application));
            return Err(Error::Invalid(vec![place(at, unknown)]));
        };
        answers.push(desk.answer(&application, question).await?);
    }
    Ok(answers)
}

impl Question {
    fn wrong(&self) -> Vec<Invalid> {
        let mut wrong = Vec::new();
        if self.user.is_some() == self.username.is_some() {
            wrong.push(Invalid::new("user", "say who: one of user and username"));
        }
        let texts = [("privilege", Some(&self.privilege)), ("scope", self.scope.as_ref()), ("relation_to", self.relation_to.as_ref())];
        for (field, text) in texts.into_iter().filter_map(|(field, text)| Some((field, text?))) {
            if text.chars().count() > TEXT_LENGTH_MAX || (field == "privilege" && text.is_empty()) {
                wrong.push(Invalid::new(field, format!("has 1 to {TEXT_LENGTH_MAX} characters")));
            }
        }
        wrong
    }
}

/// A person as questions name one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Who {
    Key(UserId),
    Name(String),
}

/// What was looked up already: many questions are about few people and applications.
struct Desk<'a> {
    ctx: &'a Context,
    /// About whom and what whoever asks may ask; about everything when none is said.
    within: Option<&'a Within>,
    tx: Tx,
    applications: HashMap<String, Option<Arc<Application>>>,
    people: HashMap<Who, Option<Arc<User>>>,
    above: HashMap<String, Arc<[String]>>,
}

impl Desk<'_> {
    async fn application(&mut self, name: &str) -> Result<Option<Arc<Application>>, Error> {
        if let Some(known) = self.applications.get(name) {
            return Ok(known.clone());
        }
        let found = application::find_by_name(&mut self.tx, name).await?.map(Arc::new);
        self.applications.insert(name.to_owned(), found.clone());
        Ok(found)
    }

    async fn person(&mut self, who: Who) -> Result<Option<Arc<User>>, Error> {
        if let Some(known) = self.people.get(&who) {
            return Ok(known.clone());
        }
        let found = match &who {
            Who::Key(id) => user::find(&mut self.tx, *id).await?,
            Who::Name(name) => user::find_by_username(&mut self.tx, name).await?,
        };
        let found = found.map(Arc::new);
        self.people.insert(who, found.clone());
        Ok(found)
    }

    /// Scopes from which a role holds down to this one.
    async fn above(&mut self, application: &Application, scope: &str) -> Result<Arc<[String]>, Error> {
        if !application.policy.scope_inherits || scope.is_empty() {
            return Ok(Arc::from([]));
        }
        if let Some(known) = self.above.get(scope) {
            return Ok(known.clone());
        }
        let found: Arc<[String]> = unit::ancestors(&mut self.tx, scope).await?.into();
        self.above.insert(scope.to_owned(), found.clone());
        Ok(found)
    }

    async fn answer(&mut self, application: &Application, question: &Question) -> Result<Verdict, Error> {
        if !self.ctx.is_open() {
            return Ok(Verdict::no(Because::Blocked));
        }
        let who = question.user.map_or_else(|| Who::Name(question.username.clone().unwrap_or_default()), Who::Key);
        let Some(person) = self.person(who).await? else { return Ok(Verdict::no(Because::UnknownPerson)) };
        let theirs = self.within.is_none_or(|within| within.administers(person.home_unit.as_deref()));
        let scope = question.scope.as_deref().unwrap_or_default();
        if !theirs && self.within.is_some_and(|within| !within.answers(&application.name, scope)) {
            return Ok(Verdict::no(Because::UnknownPerson));
        }
        // Whoever answers for the application alone is not shown the facts of people.
        let told = self.weighed(application, &person, question).await?;
        Ok(if theirs { told } else { told.for_client(true) })
    }

    async fn weighed(&mut self, application: &Application, person: &User, question: &Question) -> Result<Verdict, Error> {
        if person.status != UserStatus::Active {
            return Ok(Verdict::no(Because::Inactive));
        }
        let held = self.held(application, person).await?;
        let scope = question.scope.as_deref().unwrap_or_default();
        let above = self.above(application, scope).await?;
        let asked = Asked { privilege: &question.privilege, scope, above: &above, enough: question.level };
        let relation = if wants_relation(application, &held, &asked) {
            self.relation(application, person, question.relation_to.as_deref()).await?
        } else {
            Relation::Unnamed
        };
        Ok(weigh(application, &held, &asked, relation))
    }

    async fn held(&mut self, application: &Application, person: &User) -> Result<Vec<Assignment>, Error> {
        let recorded = assignment::list_held(&mut self.tx, person.id, application.id, self.ctx.now).await?;
        Ok(counting(&Catalogue::from(application), recorded))
    }

    /// Everyone is in every relation to themselves: their own marks are theirs.
    async fn relation(&mut self, application: &Application, person: &User, named: Option<&str>) -> Result<Relation, Error> {
        let Some(named) = named.filter(|named| !named.is_empty()) else { return Ok(Relation::Unnamed) };
        let who = named.parse().map_or_else(|_| Who::Name(named.to_owned()), Who::Key);
        let Some(other) = self.person(who).await? else { return Ok(Relation::Absent) };
        if other.id == person.id {
            return Ok(Relation::Holds);
        }
        let Some(kind) = application.policy.relation.as_deref() else { return Ok(Relation::Absent) };
        let holds = relation::exists(&mut self.tx, kind, person.id, other.id, self.ctx.now).await?;
        Ok(if holds { Relation::Holds } else { Relation::Absent })
    }
}
