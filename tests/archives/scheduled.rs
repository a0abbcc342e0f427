//! Archives that the gateway writes by itself: closed for a key that it does not have, in a folder of their own, the oldest removed.

use passerelle::config::Archives;
use passerelle::services::archives::{self, Lock};
use passerelle::services::context::Context;
use passerelle::services::error::Error;
use passerelle::services::jobs;

use super::school::{School, key_pair, unwatched};

#[tokio::test]
async fn the_newest_stay_and_other_files_are_not_touched() {
    let school = School::start().await;
    let (Lock::Recipient(recipient), key) = key_pair() else { panic!("a public key") };
    let settings = Archives { every_h: 24, folder: school.file("archives"), keep: 2, recipient };
    let folder = settings.folder.join(school.ctx.slug());
    let mut written = Vec::new();
    for hour in 0..4 {
        let ctx = Context { now: school.ctx.now.plus_s(hour * 3600), ..school.ctx.clone() };
        written.push(archives::write_scheduled(&ctx, &settings).await.unwrap().path);
        std::fs::write(folder.join(format!("{}-before-the-exams.age", school.ctx.slug())), "by hand").unwrap();
    }
    let mut left: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    left.sort();
    assert_eq!(left, [written[2].clone(), written[3].clone(), folder.join(format!("{}-before-the-exams.age", school.ctx.slug()))]);
    assert!(archives::rehearse(&school.ctx, &written[3], &key, &unwatched()).await.unwrap().whole);
}

#[tokio::test]
async fn a_round_asks_for_an_archive_of_everyone_and_the_next_round_comes_in_its_time() {
    let (Lock::Recipient(recipient), key) = key_pair() else { panic!("a public key") };
    let folder = tempfile::tempdir().unwrap();
    let settings = Archives { every_h: 6, folder: folder.path().to_owned(), keep: 3, recipient };
    let school = School::start_with(|config| config.archives = settings).await;
    let (gateway, now) = (&school.test.gateway, school.ctx.now);
    archives::plan(gateway, now).await.unwrap();
    archives::plan(gateway, now).await.unwrap();
    assert_eq!(jobs::run_due(gateway, now).await.unwrap(), 3, "the round, the platform, the school");
    let written = |slug: &str| std::fs::read_dir(folder.path().join(slug)).unwrap().map(|e| e.unwrap().path()).collect::<Vec<_>>();
    assert_eq!((written("platform").len(), written(school.ctx.slug()).len()), (1, 1));
    assert!(archives::rehearse(&school.ctx, &written(school.ctx.slug())[0], &key, &unwatched()).await.unwrap().whole);
    assert_eq!(jobs::run_due(gateway, now.plus_s(3600)).await.unwrap(), 0);
    assert_eq!(jobs::run_due(gateway, now.plus_s(6 * 3600)).await.unwrap(), 3);
    assert_eq!(written(school.ctx.slug()).len(), 2);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_told_and_no_archive_is_removed() {
    let school = School::start().await;
    let (Lock::Recipient(recipient), _) = key_pair() else { panic!("a public key") };
    std::fs::write(school.file("archives"), "a file and no folder").unwrap();
    let settings = Archives { every_h: 24, folder: school.file("archives"), keep: 1, recipient };
    let refused = archives::write_scheduled(&school.ctx, &settings).await;
    assert!(matches!(refused, Err(Error::Outside(_))), "{refused:?}");
}
