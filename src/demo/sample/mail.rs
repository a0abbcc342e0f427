//! The page of the letters that the gateway sent, for people and for scripts.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::Sample;
use super::pages::{Line, MailPage, ShownLetter};
use super::visits::Visitor;
use crate::demo::mail::message::Message;

/// How the letters are wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct View {
    format: Option<String>,
}

/// A letter as scripts read it; the names are a contract.
#[derive(Debug, Serialize)]
struct Listed {
    to: String,
    subject: String,
    text: String,
    from: String,
    date: String,
}

/// `GET /mail`: newest first; `?format=json` for scripts.
pub async fn show(State(sample): State<Arc<Sample>>, Query(view): Query<View>, visitor: Visitor) -> Response {
    let letters = sample.settings.letters.letters().into_iter().rev();
    if view.format.as_deref() == Some("json") {
        return ([(CACHE_CONTROL, "no-store")], Json(letters.map(listed).collect::<Vec<_>>())).into_response();
    }
    let page = MailPage { frame: visitor.frame(), letters: letters.map(|letter| shown(&letter)).collect() };
    visitor.page(StatusCode::OK, &page)
}

fn listed(letter: Message) -> Listed {
    let [subject, from, date] = ["subject", "from", "date"].map(|name| letter.header(name).to_owned());
    Listed { to: letter.to.join(", "), subject, from, date, text: letter.text }
}

fn shown(letter: &Message) -> ShownLetter {
    // Only an address alone on its line is made a link: what a text says around one is not to be guessed at.
    let line = |line: &str| match line.strip_prefix("http://").or(line.strip_prefix("https://")) {
        Some(rest) if !rest.contains(char::is_whitespace) => Line::Address(line.to_owned()),
        _ => Line::Text(line.to_owned()),
    };
    ShownLetter {
        to: letter.to.join(", "),
        subject: letter.header("subject").to_owned(),
        date: letter.header("date").to_owned(),
        lines: letter.text.lines().map(line).collect(),
    }
}
