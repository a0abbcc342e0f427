//! What a killed program left of its work on archives is removed once nobody holds it, and what somebody holds is not.

use passerelle::services::archives;
use passerelle::services::context::Context;
use passerelle::services::error::Error;
use passerelle::services::{housekeeping, jobs, leases};
use passerelle::store::Address;
use passerelle::store::registry::establishment::{self, EstablishmentStatus};
use passerelle::store::registry::job::{self, Hold, Kind};
use passerelle::types::id::EstablishmentId;
use passerelle::types::slug::{PLATFORM, Slug};

use super::school::{School, key_pair, unwatched};

/// A day and an hour.
const LONG_S: i64 = 25 * 3600;

/// Another node's hold of a job, taken now.
async fn hold(school: &School, kind: Kind, slug: &str, subject: &str) {
    let (registry, now) = (school.test.gateway.stores.registry(), school.ctx.now);
    let mut tx = registry.begin().await.unwrap();
    let other = Hold { holder: "another:1", now, until: now.plus_s(leases::HOLD_S) };
    assert!(job::hold(&mut tx, kind, slug, subject, other).await.unwrap().is_some());
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn the_store_of_a_rehearsal_that_was_killed_goes_when_its_hold_has_run_out() {
    let school = School::start().await;
    let (stores, now) = (&school.test.gateway.stores, school.ctx.now);
    let placement = school.ctx.establishment.placement.clone();
    let scratch = Address { id: EstablishmentId::new(), slug: Slug::scratch().as_str().to_owned(), placement: placement.clone() };
    stores.provision_new(&scratch).await.unwrap();
    hold(&school, Kind::Rehearsal, PLATFORM, &format!("{} {} {placement}", scratch.slug, scratch.id)).await;
    // Whatever stands in the registry, an establishment is no store of a rehearsal.
    let own = Address::from(&*school.ctx.establishment);
    hold(&school, Kind::Rehearsal, PLATFORM, &format!("{} {} {placement}", own.slug, own.id)).await;
    jobs::run_due(&school.test.gateway, now).await.unwrap();
    assert!(stores.establishment(&scratch).await.is_ok(), "it is worked in");
    jobs::run_due(&school.test.gateway, now.plus_s(leases::HOLD_S + 1)).await.unwrap();
    assert!(stores.establishment(&scratch).await.is_err(), "it is gone");
    school.holds(&school.ctx).await;
}

#[tokio::test]
async fn an_import_that_was_killed_is_taken_back_and_its_slug_is_free_again() {
    let school = School::start().await;
    let (platform, now) = (school.test.platform().await, school.ctx.now);
    let (lock, key) = key_pair();
    let file = school.save("galois.age", &lock).await;
    // As it stands in the middle of an import: blocked, with a store that is not whole, and held.
    let (_, half) = school.test.establishment("Copie").await;
    let mut registry = platform.registry().begin().await.unwrap();
    let mut row = (*half.establishment).clone();
    row.status = EstablishmentStatus::Blocked;
    establishment::update(&mut registry, &row, "copie").await.unwrap();
    registry.commit().await.unwrap();
    hold(&school, Kind::Import, "copie", &row.id.to_string()).await;
    // Another one that was blocked by an operator, and whose slug an import once had.
    hold(&school, Kind::Import, school.ctx.slug(), &EstablishmentId::new().to_string()).await;
    jobs::run_due(&school.test.gateway, now).await.unwrap();
    let again = archives::import(&platform, &file, &key, Some("copie"), &unwatched()).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "it is being taken in: {again:?}");
    jobs::run_due(&school.test.gateway, now.plus_s(leases::HOLD_S + 1)).await.unwrap();
    let again = archives::import(&platform, &file, &key, Some("copie"), &unwatched()).await.unwrap();
    assert_eq!(again.establishment.status, EstablishmentStatus::Active);
    let copy: Context = school.test.context("copie").await;
    school.holds(&copy).await;
    assert!(job::list(&mut platform.registry().read().await.unwrap()).await.unwrap().iter().all(|job| job.kind != Kind::Import));
    jobs::run_due(&school.test.gateway, now.plus_s(LONG_S)).await.unwrap();
    school.holds(&copy).await;
    school.holds(&school.ctx).await;
}

#[tokio::test]
async fn an_archive_that_was_sent_goes_after_a_day_and_other_files_stay() {
    let school = School::start().await;
    let folder = &school.test.gateway.folder;
    let (sent, other) = (folder.join("upload-0198.age"), folder.join("mine.age"));
    for path in [&sent, &other] {
        std::fs::write(path, "age").unwrap();
    }
    housekeeping::sweep(&school.test.gateway, school.ctx.now).await;
    assert!(sent.exists(), "somebody may be reading it");
    housekeeping::sweep(&school.test.gateway, school.ctx.now.plus_s(LONG_S)).await;
    assert!(!sent.exists() && other.exists());
}
