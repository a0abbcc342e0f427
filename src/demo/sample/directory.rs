//! The directory's page: choose a person, move them to another group, have the gateway read the directory again.

use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use url::form_urlencoded;

use super::pages::{Choice, Chosen, DirectoryPage, ShownRun};
use super::shown::ShownChange;
use super::visits::Visitor;
use super::{Place, Sample};
use crate::demo::directory::{Entry, Error};

/// People listed at most.
const PEOPLE_MAX: usize = 12;

/// What the page shows.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct View {
    place: Option<String>,
    q: Option<String>,
    person: Option<String>,
    moved: Option<u8>,
    run: Option<String>,
}

/// A move.
#[derive(Debug, Deserialize)]
pub struct Move {
    form_token: String,
    place: String,
    person: String,
    from: String,
    to: String,
}

/// A wish to read the directory again.
#[derive(Debug, Deserialize)]
pub struct Sync {
    form_token: String,
    place: String,
    person: Option<String>,
}

/// `GET /directory`.
pub async fn show(State(sample): State<Arc<Sample>>, Query(view): Query<View>, visitor: Visitor) -> Response {
    let places = &sample.settings.places;
    let wanted = view.place.as_deref().and_then(|slug| sample.place(slug));
    let Some(place) = wanted.or(places.first()) else { return super::sign_in::missing(visitor).await };
    let q = view.q.clone().unwrap_or_default();
    let person = view.person.clone().or_else(|| place.moving.as_ref().filter(|_| q.is_empty()).map(|m| m.person_dn.clone()));
    let found = people(&sample, place, &q, person.as_deref());
    let chosen = person.map(|dn| chosen(&sample, place, &dn)).transpose();
    let (people, chosen) = match found.and_then(|people| Ok((people, chosen?))) {
        Ok(both) => both,
        Err(error) => return refused(visitor, &error.to_string(), &href(&[("place", &place.slug)])),
    };
    let page = DirectoryPage {
        frame: visitor.frame(),
        places: places.iter().map(|p| place_choice(p, place)).collect(),
        slug: place.slug.clone(),
        source: place.source.clone(),
        q,
        people,
        chosen: chosen.flatten(),
        moved: view.moved.is_some(),
        run: run(&sample, place, view.run.as_deref(), &visitor).await,
        signed_in: visitor.visit.signed_in.as_ref().is_some_and(|s| s.slug == place.slug),
    };
    visitor.page(StatusCode::OK, &page)
}

/// `POST /directory/move`: as an administrator of the directory would; the gateway does not know yet.
pub async fn move_person(State(sample): State<Arc<Sample>>, visitor: Visitor, form: Result<Form<Move>, FormRejection>) -> Response {
    let Some(Form(form)) = form.ok().filter(|Form(form)| visitor.wrote(&form.form_token)) else {
        return visitor.stale_form("/directory");
    };
    let here = [("place", form.place.as_str()), ("person", form.person.as_str())];
    match sample.settings.directory.move_member(&form.person, &form.from, &form.to) {
        Ok(()) => visitor.go(&href(&[&here[..], &[("moved", "1")]].concat())),
        Err(error) => refused(visitor, &error.to_string(), &href(&here)),
    }
}

/// `POST /directory/sync`: the gateway reads the directory again.
pub async fn sync(State(sample): State<Arc<Sample>>, visitor: Visitor, form: Result<Form<Sync>, FormRejection>) -> Response {
    let Some(Form(form)) = form.ok().filter(|Form(form)| visitor.wrote(&form.form_token)) else {
        return visitor.stale_form("/directory");
    };
    let Some(place) = sample.place(&form.place) else { return super::sign_in::missing(visitor).await };
    let mut here = vec![("place", form.place.as_str())];
    here.extend(form.person.as_deref().map(|person| ("person", person)));
    match sample.sync_now(place).await {
        Ok(run) => {
            here.push(("run", &run.id));
            visitor.go(&href(&here))
        }
        Err(error) => refused(visitor, &error.to_string(), &href(&here)),
    }
}

fn refused(visitor: Visitor, why: &str, again: &str) -> Response {
    let title = visitor.texts.text("demo-directory-refused");
    visitor.error(StatusCode::CONFLICT, &title, why, None, again)
}

/// The directory's page with these parameters.
fn href(parameters: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("/directory?{query}")
}

fn place_choice(place: &Place, shown: &Place) -> Choice {
    Choice {
        dn: place.base_dn.clone(),
        name: place.name.clone(),
        more: String::new(),
        href: href(&[("place", &place.slug)]),
        chosen: place.slug == shown.slug,
    }
}

fn people(sample: &Sample, place: &Place, q: &str, person: Option<&str>) -> Result<Vec<Choice>, Error> {
    let found = sample.settings.directory.people(&place.base_dn, q, PEOPLE_MAX)?;
    let choice = |entry: &Entry| Choice {
        dn: entry.dn().to_owned(),
        name: name(entry),
        more: ["uid", "title"].iter().filter_map(|key| entry.first(key)).collect::<Vec<_>>().join(" · "),
        href: href(&[("place", &place.slug), ("q", q), ("person", entry.dn())]),
        chosen: person == Some(entry.dn()),
    };
    Ok(found.iter().map(choice).collect())
}

/// The person, the groups that name them, and the groups they could join. None when nobody has the name any more.
fn chosen(sample: &Sample, place: &Place, dn: &str) -> Result<Option<Chosen>, Error> {
    let directory = &sample.settings.directory;
    let Some(entry) = directory.entry(dn)? else { return Ok(None) };
    let moving = place.moving.as_ref();
    let choice = |group: &Entry, suggested: Option<&str>| Choice {
        dn: group.dn().to_owned(),
        name: name(group),
        more: group.first("description").unwrap_or_default().to_owned(),
        href: String::new(),
        chosen: suggested == Some(group.dn()),
    };
    let own = directory.groups_of(dn)?;
    let all = directory.groups(&place.base_dn)?;
    // Before the move the form suggests it; after the move it suggests the way back.
    let back = moving.is_some_and(|m| own.iter().any(|group| group.dn() == m.to_dn));
    let (from, to) = moving.map(|m| if back { (&m.to_dn, &m.from_dn) } else { (&m.from_dn, &m.to_dn) }).unzip();
    let others = all.iter().filter(|group| own.iter().all(|mine| mine.dn() != group.dn()));
    Ok(Some(Chosen {
        name: name(&entry),
        others: others.map(|group| choice(group, to.map(String::as_str))).collect(),
        groups: own.iter().map(|group| choice(group, from.map(String::as_str))).collect(),
        dn: entry.dn().to_owned(),
    }))
}

fn name(entry: &Entry) -> String {
    entry.first("cn").unwrap_or(entry.dn()).to_owned()
}

/// A run that was just made, with its changes. One that cannot be read any more is not shown.
async fn run(sample: &Sample, place: &Place, id: Option<&str>, visitor: &Visitor) -> Option<ShownRun> {
    let run = sample.run(place, id?).await.inspect_err(|error| tracing::debug!(%error, "run of the demo not read")).ok()?;
    let changes = sample.changes(place, &run.id).await.unwrap_or_default();
    Some(ShownRun { run, changes: changes.into_iter().map(|change| ShownChange::of(change, visitor.texts)).collect() })
}
