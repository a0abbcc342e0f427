//! What changed since the last reading, asked of real servers by every method, and of a server that misbehaves.

mod bases;
mod ds389;
mod faults;
mod live;
mod openldap;

use connectors::{Batch, Bookmark, Caught, Directory, Error, Extent, Following, Kind, Record, Step};

use super::{DEADLINE, read};

/// Everything said since a bookmark, and whether it is everything.
async fn changes(directory: &Directory, since: &Bookmark) -> (Vec<Step>, Result<Caught, Error>) {
    let mut changes = directory.changes(since, DEADLINE).expect("the method of this bookmark is known");
    let mut steps = Vec::new();
    while let Some(some) = changes.steps.recv().await {
        steps.extend(some);
    }
    (steps, changes.outcome.await.unwrap())
}

/// The bookmark that a whole reading leaves.
async fn marked(directory: &Directory) -> Bookmark {
    read(directory, DEADLINE).await.1.unwrap().bookmark.expect("this server can be asked for changes")
}

/// What a reading of changes said, easy to compare: people stated, groups stated, keys gone, keys present, each sorted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    people: Vec<String>,
    groups: Vec<String>,
    gone: Vec<(Kind, String)>,
    present: Vec<String>,
}

impl Said {
    fn of(steps: &[Step]) -> Self {
        let mut said = Self::default();
        for step in steps {
            match step {
                Step::Stated(Record::Person(person)) => said.people.push(person.username.clone()),
                Step::Stated(Record::Group(group)) => said.groups.push(group.name.clone()),
                Step::Stated(Record::Unreadable(unreadable)) => panic!("{unreadable:?}"),
                Step::Gone { kind, external_id } => said.gone.push((kind.unwrap(), external_id.clone())),
                Step::Present { external_ids, .. } => said.present.extend(external_ids.clone()),
                Step::Joined { .. } => panic!("only Active Directory has primary groups"),
            }
        }
        said.people.sort_unstable();
        said.groups.sort_unstable();
        said.gone.sort_unstable_by_key(|(kind, key)| (*kind == Kind::Group, key.clone()));
        said.present.sort_unstable();
        said
    }

    /// Only these were stated.
    fn stated(people: &[&str], groups: &[&str]) -> Self {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self { people: owned(people), groups: owned(groups), ..Self::default() }
    }
}

/// What was said, with how much of each kind that is, and the bookmark after it.
async fn since(directory: &Directory, bookmark: &Bookmark) -> (Said, [Extent; 2], Option<Bookmark>) {
    let (steps, outcome) = changes(directory, bookmark).await;
    let caught = outcome.unwrap();
    assert_eq!(caught.summary.bookmark, caught.bookmark);
    (Said::of(&steps), [caught.people, caught.groups], caught.bookmark)
}

/// The error of a reading that must fail.
async fn refusal(directory: &Directory, bookmark: &Bookmark) -> Error {
    changes(directory, bookmark).await.1.expect_err("the reading must not count as complete")
}

/// The next batch, which must come.
async fn next(following: &mut Following) -> Batch {
    tokio::time::timeout(DEADLINE, following.batches.recv()).await.unwrap().expect("still listening")
}

const CHANGES: [Extent; 2] = [Extent::Changes; 2];
const WHOLE: [Extent; 2] = [Extent::Whole; 2];
