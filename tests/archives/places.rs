//! How many archives are written to callers and taken from them at the same time.

use passerelle::services::archives::{self, Chunks, Upload};
use passerelle::services::error::Error;

use super::school::{School, key_pair};

fn is_too_many<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::TooMany { retry_after_s: 1.. }))
}

/// Reads an archive to its end.
async fn read(mut chunks: Chunks) -> usize {
    let mut length = 0;
    while let Some(chunk) = chunks.recv().await {
        length += chunk.unwrap().len();
    }
    length
}

#[tokio::test]
async fn one_archive_is_written_for_an_establishment_at_a_time_and_a_few_on_a_node() {
    let school = School::start().await;
    let (lock, _) = key_pair();
    let mut others = Vec::new();
    for name in ["Lycée Ampère", "Lycée Berthollet", "Lycée Carnot", "Lycée Diderot"] {
        others.push(school.test.establishment(name).await.1);
    }
    // Nothing is written before this test waits.
    let first = archives::stream(&school.ctx, &lock).unwrap();
    assert!(is_too_many(&archives::stream(&school.ctx, &lock)), "another for the same establishment");
    let beside: Vec<_> = others.iter().map(|ctx| archives::stream(ctx, &lock)).collect();
    assert_eq!(beside.iter().filter(|begun| begun.is_ok()).count(), 3, "four at once on a node");
    assert!(beside.last().is_some_and(is_too_many));
    assert!(read(first).await > 1000);
    assert!(read(archives::stream(&school.ctx, &lock).unwrap()).await > 1000, "its place is free once it was read");
}

#[tokio::test]
async fn one_archive_is_taken_for_an_establishment_at_a_time_and_a_few_on_a_node() {
    let school = School::start().await;
    let (_, second) = school.test.establishment("Lycée Ampère").await;
    let (_, third) = school.test.establishment("Lycée Berthollet").await;
    let first = Upload::begin(&school.ctx).await.unwrap();
    assert!(is_too_many(&Upload::begin(&school.ctx).await), "another for the same establishment");
    let beside = Upload::begin(&second).await.unwrap();
    assert!(is_too_many(&Upload::begin(&third).await), "two at once on a node");
    drop(beside);
    assert!(is_too_many(&Upload::begin(&school.ctx).await), "its place is still its own");
    drop(first);
    Upload::begin(&school.ctx).await.unwrap();
}
