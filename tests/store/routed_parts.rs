//! The establishments that a source of the platform feeds.

use passerelle::store::establishment::routed_part::{Outcome, RoutedPart};
use passerelle::store::establishment::sync_run::Counts;
use passerelle::store::establishment::{routed_part, source};
use passerelle::types::id::RunId;

use super::engine::on_every_engine;
use super::samples::{self, LATER, NOW};

#[tokio::test]
async fn a_part_is_kept_by_source_and_establishment_and_goes_with_its_source() {
    on_every_engine(async |bed| {
        let (one, other) = (samples::source("academie"), samples::source("autre"));
        let part = |slug: &str, outcome: Outcome| RoutedPart {
            source_id: one.id,
            slug: slug.to_owned(),
            outcome,
            run_id: Some(RunId::new()),
            people: 700,
            groups: i64::MAX,
            counts: Counts { read: 3, memberships_removed: 9, ..Counts::default() },
            error: Some("tenu à l’écart".to_owned()),
            fed_at: NOW,
        };
        let mut parts: Vec<RoutedPart> = [Outcome::Done, Outcome::Unchanged, Outcome::Held, Outcome::Failed, Outcome::Skipped]
            .into_iter()
            .enumerate()
            .map(|(n, outcome)| part(&format!("college-{n}"), outcome))
            .collect();
        let elsewhere = RoutedPart { source_id: other.id, run_id: None, error: None, ..part("college-0", Outcome::Done) };
        bed.write(async |tx| {
            source::insert(tx, &one).await?;
            source::insert(tx, &other).await?;
            routed_part::keep(tx, &elsewhere).await?;
            for part in parts.iter().rev() {
                routed_part::keep(tx, part).await?;
            }
            Ok(())
        })
        .await;
        assert_eq!(routed_part::list(&mut bed.read().await, one.id).await.unwrap(), parts);
        parts[2] = RoutedPart { outcome: Outcome::Done, run_id: None, error: None, people: 0, fed_at: LATER, ..parts[2].clone() };
        bed.write(async |tx| routed_part::keep(tx, &parts[2]).await).await;
        bed.write(async |tx| routed_part::delete(tx, one.id, "college-0").await).await;
        assert_eq!(routed_part::list(&mut bed.read().await, one.id).await.unwrap(), parts[1..]);
        assert_eq!(routed_part::list(&mut bed.read().await, other.id).await.unwrap(), [elsewhere]);
        bed.write(async |tx| source::delete(tx, one.id).await).await;
        assert_eq!(routed_part::list(&mut bed.read().await, one.id).await.unwrap(), []);
    })
    .await;
}
