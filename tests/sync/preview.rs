//! A preview tells everything and writes nothing.

use passerelle::services::error::Error;
use passerelle::services::sources::{self, SourceFields};
use passerelle::services::{groups, sync};
use passerelle::store::establishment::change::Operation;
use passerelle::store::establishment::group;
use passerelle::store::establishment::source::Guard;
use passerelle::store::establishment::sync_run::{Filter, Mode, State};
use passerelle::types::page::PageRequest;

use super::{Fed, add, delete, dn, group as group_entry, rename};

#[tokio::test]
async fn preview_names_every_change_and_makes_none() {
    let fed = Fed::with_people(&["anne", "bob", "chloe"]).await;
    fed.slapd.modify(&add(&group_entry("profs", &[&dn("anne")])));
    let first = fed.run(Mode::Preview).await;
    assert_eq!((first.state, first.counts.created, first.counts.memberships_added), (State::Done, 4, 1));
    assert_eq!(fed.everyone().await, []);
    assert_eq!(groups::list(&fed.ctx, &PageRequest::first(1), &group::Filter::default()).await.unwrap().total, 0);

    fed.sync().await;
    let before = fed.everyone().await;
    fed.slapd.modify(&format!("{}{}", delete("bob"), rename("chloe", "chloé")));
    let preview = fed.run(Mode::Preview).await;
    assert_eq!((preview.counts.disabled, preview.counts.moved), (1, 1));
    assert_eq!(fed.everyone().await, before);
    let named: Vec<(Operation, String)> = fed.changes(&preview).await.into_iter().map(|c| (c.operation, c.name)).collect();
    assert_eq!(named, [(Operation::Disabled, "bob".to_owned()), (Operation::Moved, "chloé".to_owned())]);

    let done = fed.sync().await;
    assert_eq!(done.counts, preview.counts, "the run does what the preview said");
    let listed = sync::runs(&fed.ctx, &PageRequest::first(10), &Filter::default()).await.unwrap();
    assert_eq!(listed.items.iter().map(|run| run.mode).collect::<Vec<_>>(), [Mode::Full, Mode::Preview, Mode::Full, Mode::Preview]);
}

#[tokio::test]
async fn preview_says_that_a_run_would_be_held() {
    let fed = Fed::with_people(&["anne", "bob", "chloe"]).await;
    fed.sync().await;
    fed.change(|fields| fields.guard = Guard::default()).await;
    fed.slapd.modify(&delete("bob"));
    let preview = fed.run(Mode::Preview).await;
    let said = preview.error.unwrap();
    assert!(preview.state == State::Done && said.starts_with("A run would be held") && said.contains("1 of 3 people"), "{said}");
    assert_eq!(fed.run(Mode::Full).await.state, State::Held);
}

#[tokio::test]
async fn other_fields_are_previewed_and_nothing_is_kept_of_them() {
    let fed = Fed::with_people(&["anne", "bob", "chloe", "david"]).await;
    fed.sync().await;
    let standing = sources::get(&fed.ctx, "ldap").await.unwrap();
    let mut fields = SourceFields { guard: Guard::default(), ..SourceFields::from(&standing) };
    fields.settings["user_filter"] = "(uid=anne)".into();
    fields.settings["mapping"] = serde_json::json!({ "display_name": "{uid} at school" });
    let preview = sync::preview_with_to_end(&fed.ctx, "ldap", &fields).await.unwrap();
    assert_eq!((preview.mode, preview.state, preview.counts.disabled, preview.counts.updated), (Mode::Preview, State::Done, 3, 1));
    assert!(preview.error.as_ref().unwrap().contains("A run would be held") && preview.error.unwrap().contains("3 of 4 people"));
    let after = sources::get(&fed.ctx, "ldap").await.unwrap();
    assert_eq!(after, standing);
    assert_eq!(fed.user("anne").await.display_name, "anne");
    assert_eq!(fed.sync().await.counts.disabled, 0);

    fields.settings["user_filter"] = "(uid=anne".into();
    assert!(matches!(sync::preview_with(&fed.ctx, "ldap", &fields).await, Err(Error::Invalid(_))), "they are checked as if they were kept");
}
