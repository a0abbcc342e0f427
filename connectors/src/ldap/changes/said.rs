//! What a reading of changes says, on its way to the reader: counted as it passes, groups with all their members. Chooses nothing.

use tokio::sync::mpsc;

use crate::changes::Step;
use crate::ldap::Directory;
use crate::ldap::connection::Connection;
use crate::ldap::dynamic::{self, Later};
use crate::ldap::error::Cause;
use crate::ldap::guard::Chunk;
use crate::ldap::primary;
use crate::ldap::reading::Summary;
use crate::ldap::search::{Pages, Query, both};
use crate::record::{Kind, Record};

/// Where the steps of one reading go.
pub(super) struct Said {
    out: mpsc::Sender<Vec<Step>>,
    pub(super) summary: Summary,
    /// People were stated, or went.
    pub(super) people: bool,
    /// A group was seen whose members are found by a search.
    pub(super) dynamic: bool,
}

impl Said {
    pub(super) fn new(out: mpsc::Sender<Vec<Step>>) -> Self {
        Self { out, summary: Summary::default(), people: false, dynamic: false }
    }

    /// Hands steps over, once there is room for them.
    pub(super) async fn say(&mut self, steps: Vec<Step>) -> Result<(), Cause> {
        for step in &steps {
            match step {
                Step::Stated(Record::Person(_)) => {
                    self.summary.people += 1;
                    self.people = true;
                }
                Step::Stated(Record::Group(_)) => self.summary.groups += 1,
                Step::Stated(Record::Unreadable(_)) => self.summary.unreadable += 1,
                Step::Gone { kind, .. } => self.people |= *kind != Some(Kind::Group),
                Step::Present { .. } | Step::Joined { .. } => {}
            }
        }
        if steps.is_empty() { Ok(()) } else { self.out.send(steps).await.map_err(|_| Cause::GivenUp) }
    }

    /// States entries, groups with all their members. Groups that are searches only when no paged search is at work
    /// on the connection.
    pub(super) async fn state(
        &mut self,
        directory: &Directory,
        connection: &mut Connection,
        (kind, query): (Kind, &Query<'_>),
        page: Vec<Chunk>,
    ) -> Result<(), Cause> {
        let page = if kind == Kind::Group {
            self.dynamic |= page.iter().flat_map(Chunk::entries).any(dynamic::is_dynamic);
            dynamic::complete(connection, query, page).await?
        } else {
            page
        };
        let mut records = directory.entries().records(kind, &page);
        if kind == Kind::Group {
            primary::complete(directory, connection, &page, &mut records).await?;
        }
        self.say(records.into_iter().map(Step::Stated).collect()).await
    }

    /// States everything that a search finds; `see` looks at each page first.
    pub(super) async fn found(
        &mut self,
        directory: &Directory,
        connection: &mut Connection,
        (kind, query): (Kind, &Query<'_>),
        see: &mut (dyn FnMut(&[Chunk]) + Send),
    ) -> Result<(), Cause> {
        let (mut pages, mut later) = (Pages::new(), Later::default());
        while let Some(page) = pages.next(connection, query).await? {
            see(&page);
            let page = if kind == Kind::Group { later.without(page) } else { page };
            self.state(directory, connection, (kind, query), page).await?;
        }
        self.state(directory, connection, (kind, query), later.page()).await?;
        self.summary.pages += pages.count;
        Ok(())
    }

    /// States every group whose members are found by a search: they change with the people, and their entries do not.
    pub(super) async fn dynamic_groups(&mut self, directory: &Directory, connection: &mut Connection) -> Result<(), Cause> {
        for query in directory.queries(Kind::Group) {
            let filter = both(query.filter, "(memberURL=*)");
            let query = Query { filter: &filter, ..query };
            self.found(directory, connection, (Kind::Group, &query), &mut |_| {}).await?;
        }
        Ok(())
    }
}
