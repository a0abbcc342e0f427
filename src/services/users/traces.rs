//! What stands of someone beside their own rows: requests of feeds about them, refused ones and searches too, what waits for a person, what was
//! proposed of their entries, and what is queued of them for applications. Removes it; decides nothing.

use serde_json::Value;
use url::form_urlencoded;

use super::super::error::Error;
use crate::store::Tx;
use crate::store::establishment::scim_request::Texts;
use crate::store::establishment::scim_resource::{self, Kind};
use crate::store::establishment::{link, proposal, provisioning_erasure, scim_held, scim_request, user};
use crate::types::fold;
use crate::types::id::UserId;

/// Requests read at once: each may hold two bodies.
const REQUESTS_STEP: i64 = 50;
/// What waits for a person, read at once.
const HELD_STEP: i64 = 500;
/// Attributes of a resource whose values name somebody.
const NAMING: [&str; 4] = ["userName", "displayName", "emails", "phoneNumbers"];

/// What somebody is told by, folded. A family name is others' too, whose requests go with theirs: better that than a name that stays.
#[derive(Debug, Default)]
struct Words(Vec<String>);

impl Words {
    fn add(&mut self, word: Option<&str>) {
        self.0.extend(word.map(fold).filter(|word| !word.trim().is_empty()));
    }

    /// The texts of a value, however deep they stand.
    fn add_all(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add(Some(text)),
            Value::Array(several) => several.iter().for_each(|one| self.add_all(one)),
            // Of an element its `value`: what kind of address it is, is nobody's name.
            Value::Object(members) => members.get("value").into_iter().for_each(|value| self.add_all(value)),
            _ => {}
        }
    }

    /// Whether a text tells of them.
    fn told_by<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> bool {
        let told: String = texts.into_iter().flat_map(|text| [fold(text), " ".to_owned()]).collect();
        self.0.iter().any(|word| stands_in(word, &told))
    }
}

/// Whether a word stands in a text, and not only within a longer one.
fn stands_in(word: &str, text: &str) -> bool {
    text.match_indices(word).any(|(at, found)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + found.len()..).and_then(|after| after.chars().next());
        ![before, after].into_iter().flatten().any(char::is_alphanumeric)
    })
}

/// Removes it all. To be called while their own rows still tell who they are.
///
/// # Errors
/// When the store fails.
pub(super) async fn wipe_in(tx: &mut Tx, id: UserId) -> Result<(), Error> {
    provisioning_erasure::erase_user(tx, id).await?;
    let Some(words) = words_in(tx, id).await? else { return Ok(()) };
    proposal::delete_of_user(tx, id).await?;
    scim_request::delete_of_subject(tx, id.uuid()).await?;
    scim_held::delete_of_subject(tx, id.uuid()).await?;
    let mut after = None;
    loop {
        let rows = scim_request::list_texts_after(tx, after, REQUESTS_STEP).await?;
        let Some(last) = rows.last() else { break };
        after = Some(last.id);
        for row in rows.iter().filter(|row| asks_about(row, &words)) {
            scim_request::delete(tx, row.id).await?;
        }
    }
    let mut after = None;
    loop {
        let rows = scim_held::list_after(tx, after, HELD_STEP).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some(last.id);
        for row in &rows {
            let detail = row.detail.to_string();
            if words.told_by([row.subject.as_str(), row.name.as_str(), detail.as_str()]) {
                scim_held::delete(tx, row.id).await?;
            }
        }
    }
}

/// By what they are told; nothing when they are not there. What was proposed of their entries goes on the way.
async fn words_in(tx: &mut Tx, id: UserId) -> Result<Option<Words>, Error> {
    let Some(user) = user::find(tx, id).await? else { return Ok(None) };
    let mut words = Words::default();
    words.add(Some(&id.to_string()));
    words.add(Some(&user.username));
    words.add(Some(&user.display_name));
    words.add(user.email.as_deref());
    words.add(user.family_name.as_deref());
    for entry in proposal::entries_of_user(tx, id).await? {
        words.add(Some(&entry));
    }
    for link in link::list_of_user(tx, id).await? {
        words.add(Some(&link.external_id));
        words.add(link.dn.as_deref());
        proposal::delete_of_entry(tx, link.source_id, &link.external_id).await?;
        let Some(stated) = scim_resource::find(tx, link.source_id, Kind::User, id.uuid()).await? else { continue };
        words.add(stated.external_id.as_deref());
        NAMING.iter().filter_map(|name| stated.body.get(*name)).for_each(|value| words.add_all(value));
        // A feed's entry has the key that the feed knows it by.
        proposal::delete_of_entry(tx, link.source_id, stated.external_id.as_ref().unwrap_or(&stated.name)).await?;
        words.add(Some(&stated.name));
    }
    Ok(Some(words))
}

fn asks_about(row: &Texts, words: &Words) -> bool {
    // As it was sent: what stands in a filter is encoded.
    let address: String =
        form_urlencoded::parse(row.path.as_bytes()).flat_map(|(name, value)| [name, " ".into(), value, " ".into()]).collect();
    let rest = [&row.failing, &row.request, &row.answer, &row.changes];
    words.told_by([row.path.as_str(), address.as_str()].into_iter().chain(rest.into_iter().filter_map(Option::as_deref)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(path: &str, request: &str) -> Texts {
        Texts {
            id: uuid::Uuid::now_v7(),
            path: path.to_owned(),
            failing: None,
            request: Some(request.to_owned()),
            answer: None,
            changes: None,
        }
    }

    #[test]
    fn a_request_about_someone_is_told_from_one_about_others() {
        let mut words = Words::default();
        words.add(Some("Lefèvre"));
        words.add(Some("zoe.l"));
        words.add_all(&serde_json::json!([{ "type": "work", "value": "ZL@exemple.fr" }]));
        for (path, request) in [
            ("/Users?filter=userName+eq+%22ZOE.L%22", ""),
            ("/Users?filter=emails.value%20eq%20%22zl%40exemple.fr%22", ""),
            ("/Users", r#"{"userName":"Zoe.L"}"#),
            ("/Users", r#"{"name":{"familyName":"LEFEVRE","givenName":"Zoé"}}"#),
        ] {
            assert!(asks_about(&row(path, request), &words), "{path} {request}");
        }
        for (path, request) in [
            ("/Users?filter=userName+eq+%22zoe.lambert%22", ""),
            ("/Users?filter=type+eq+%22work%22", r#"{"name":{"familyName":"Lefèvres","givenName":"Zoé"}}"#),
            ("/Users", r#"{"userName":"azoe.l"}"#),
        ] {
            assert!(!asks_about(&row(path, request), &words), "{path} {request}");
        }
    }
}
