//! The places of stores: whether a database lets the gateway in as it must, and whether its clock and its connections fit.

use super::{Finding, Level};
use crate::config::Config;
use crate::store::{self, Database, Sight, StoreUrl};
use crate::types::time::Timestamp;

/// Seconds by which two clocks may differ.
pub(super) const CLOCKS_APART_MAX_S: i64 = 5;
/// Connections that a node opens beside `store.connections_max`: to the registry, and to hear other nodes.
const CONNECTIONS_BESIDE: i64 = 5;

/// One place of stores.
#[derive(Debug)]
pub struct Place {
    /// The placement's name.
    pub name: String,
    /// What was seen there; nothing when it does not let us in.
    pub sight: Option<Sight>,
}

/// Looks at every placement, and answers what was seen besides.
pub async fn databases(config: &Config, urls: &[(String, StoreUrl)], now: impl Fn() -> Timestamp) -> (Vec<Place>, Vec<Finding>) {
    let (mut places, mut findings) = (Vec::new(), Vec::new());
    for (name, url) in urls {
        let sight = match store::look_at(url).await {
            Ok(sight) => Some(sight),
            Err(error) => {
                findings.push(Finding::told(name, "database", Err(&error)));
                None
            }
        };
        if let Some(database) = sight.as_ref().and_then(|sight| sight.database.as_ref()) {
            findings.extend(look(name, database, i64::from(config.store.connections_max), now()));
        }
        places.push(Place { name: name.clone(), sight });
    }
    (places, findings)
}

fn look(place: &str, database: &Database, connections: i64, now: Timestamp) -> Vec<Finding> {
    let version = format!("{}.{}", database.version / 10_000, database.version % 10_000);
    let about: [(&str, &dyn ToString); 4] =
        [("version", &version), ("encoding", &database.encoding), ("login", &database.login), ("name", &database.name)];
    let mut findings: Vec<Finding> = database.faults().iter().map(|fault| Finding::told(place, "rights", Err(fault))).collect();
    if findings.is_empty() {
        findings.push(Finding::new(place, "database", Level::Well, "check-database", &about));
    }
    if database.is_standby {
        findings.push(Finding::new(place, "standby", Level::Wrong, "check-standby", &[]));
    }
    if database.gives_temporary {
        let sql = format!("REVOKE TEMPORARY ON DATABASE \"{}\" FROM PUBLIC", database.name);
        findings.push(Finding::new(place, "temporary", Level::Notice, "check-temporary", &[("sql", &sql)]));
    }
    let apart = (database.clock.seconds() - now.seconds()).abs();
    let (level, text) = if apart > CLOCKS_APART_MAX_S { (Level::Wrong, "check-clock-apart") } else { (Level::Well, "check-clock") };
    findings.push(Finding::new(place, "clock", level, text, &[("apart", &apart), ("most", &CLOCKS_APART_MAX_S)]));
    let (own, most) = (connections + CONNECTIONS_BESIDE, database.connections_max);
    let nodes = most / own.max(1);
    let (level, text) = if nodes < 1 { (Level::Wrong, "check-connections-few") } else { (Level::Well, "check-connections") };
    findings.push(Finding::new(place, "connections", level, text, &[("most", &most), ("own", &own), ("nodes", &nodes)]));
    findings
}
