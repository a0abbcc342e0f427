//! The files that sources were given: one each, replaced whole, gone with the source.

use passerelle::store::establishment::source;
use passerelle::store::establishment::source_file::{self, Part, SourceFile};
use uuid::Uuid;

use super::engine::on_every_engine;
use super::samples::{self, LATER};

fn part(part: i64, content: &[u8]) -> Part {
    Part { id: Uuid::now_v7(), part, content_sealed: content.to_vec() }
}

#[tokio::test]
async fn a_file_takes_the_place_of_the_one_before_and_goes_with_its_source() {
    on_every_engine(async |bed| {
        let (one, other) = (samples::source("un"), samples::source("deux"));
        let first = samples::source_file(&one).0;
        let second = SourceFile { name: "autres.csv".to_owned(), size: 0, given_at: LATER, ..first.clone() };
        let apart = SourceFile { source_id: other.id, ..first.clone() };
        let (old, new, theirs) = (vec![part(0, b"a"), part(1, b"b")], vec![part(1, b"d"), part(0, b"c")], vec![part(0, b"e")]);
        bed.write(async |tx| {
            source::insert(tx, &one).await?;
            source::insert(tx, &other).await?;
            source_file::keep(tx, &first, &old).await?;
            source_file::keep(tx, &apart, &theirs).await
        })
        .await;
        let mut tx = bed.read().await;
        assert_eq!(source_file::find(&mut tx, one.id).await.unwrap(), Some(first));
        assert_eq!(source_file::list_parts(&mut tx, one.id).await.unwrap(), old);
        bed.write(async |tx| source_file::keep(tx, &second, &new).await).await;
        assert_eq!(source_file::find(&mut tx, one.id).await.unwrap(), Some(second));
        assert_eq!(source_file::list_parts(&mut tx, one.id).await.unwrap(), [new[1].clone(), new[0].clone()]);
        assert!(bed.write(async |tx| source_file::delete(tx, one.id).await).await);
        assert!(!bed.write(async |tx| source_file::delete(tx, one.id).await).await);
        assert_eq!(source_file::list_parts(&mut tx, one.id).await.unwrap(), []);
        assert_eq!(source_file::list_parts(&mut tx, other.id).await.unwrap(), theirs);
        bed.write(async |tx| source::delete(tx, other.id).await).await;
        assert_eq!(source_file::find(&mut tx, other.id).await.unwrap(), None);
    })
    .await;
}
