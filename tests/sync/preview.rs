//! A preview tells everything and writes nothing.

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
