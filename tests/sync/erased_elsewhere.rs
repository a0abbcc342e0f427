//! Whoever is erased by their source's policy is wiped from what applications are told of, too, whether or not anything is written there.

use passerelle::services::context::Context;
use passerelle::services::sync;
use passerelle::services::{applications, leaving, provisioning};
use passerelle::store::establishment::provisioned::{self, Filter, Kind, Provisioned};
use passerelle::store::establishment::sync_run::Mode;
use passerelle::types::leaving::{Afterwards, Leaving};
use passerelle::types::page::PageRequest;
use serde_json::json;

use super::{Fed, delete};

const DAY_S: i64 = 24 * 3600;

#[tokio::test]
async fn whoever_is_erased_has_no_name_in_a_queue_that_rests() {
    for then in [Afterwards::Anonymise, Afterwards::Purge] {
        let fed = Fed::with_people(&["anne", "bob"]).await;
        fed.change(|fields| fields.leaving = Leaving { grace_days: 30, then }).await;
        fed.sync().await;
        let wiki = serde_json::from_value(json!({ "name": "wiki", "roles": [{ "name": "lecteur" }] })).unwrap();
        applications::create(&fed.ctx, &wiki).await.unwrap();
        let rests = json!({ "url": "https://wiki.exemple.fr/scim", "auth": { "kind": "bearer", "secret": "x" }, "enabled": false });
        let made = provisioning::put(&fed.ctx, "wiki", None, &serde_json::from_value(rests).unwrap()).await.unwrap();
        let (anne, bob) = (fed.user("anne").await, fed.user("bob").await);
        let known = [(anne.id.to_string(), "anne".to_owned()), (bob.id.to_string(), "bob".to_owned())];
        let mut tx = fed.ctx.store.begin().await.unwrap();
        provisioned::mark(&mut tx, made.id, Kind::User, &known, fed.ctx.now).await.unwrap();
        for row in provisioned::list_marked(&mut tx, made.id, 9).await.unwrap() {
            let remote_id = Some(format!("là-bas-{}", row.subject));
            provisioned::settle(&mut tx, &Provisioned { remote_id, error: Some(format!("{} est pris", row.name)), ..row }).await.unwrap();
        }
        tx.commit().await.unwrap();
        fed.slapd.modify(&delete("anne"));
        fed.sync().await;
        let later = Context { now: fed.ctx.now.plus_s(31 * DAY_S), ..fed.ctx.clone() };
        sync::run_to_end(&later, "ldap", Mode::Full).await.unwrap();
        let round = leaving::round(&later).await.unwrap().0;
        assert_eq!(round.anonymised + round.purged, 1, "{then:?}");
        let queue = provisioning::queue(&fed.ctx, "wiki", &PageRequest::first(9), &Filter::default()).await.unwrap().items;
        let left: Vec<(&str, Option<&str>)> = queue.iter().map(|row| (row.name.as_str(), row.error.as_deref())).collect();
        assert_eq!(left.len(), 2);
        assert!(left.contains(&("", None)) && left.contains(&("bob", Some("bob est pris"))), "{then:?}: {left:?}");
        assert!(queue.iter().all(|row| row.remote_id.is_some()), "by it, what is there is found");
    }
}
