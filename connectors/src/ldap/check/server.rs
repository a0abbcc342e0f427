//! What the server is, whether its clock agrees with ours, and how it tells what changed.

use super::{CheckStep, Level, Steps};
use crate::dn;
use crate::ldap::Directory;
use crate::ldap::ber::Elements;
use crate::ldap::changes::{self, Method};
use crate::ldap::connection::Connection;
use crate::ldap::generalized_time::seconds;
use crate::ldap::range::attributes;
use crate::ldap::rootdse::{self, Make, RootDse};
use crate::ldap::search::{Query, run};
use crate::ldap::settings::Server;

/// Clocks that are further apart had better be set, in seconds.
const CLOCKS_APART_MAX_S: i64 = 60;

pub(super) async fn look(directory: &Directory, connection: &mut Connection, steps: &mut Steps) -> Option<RootDse> {
    let read = rootdse::read(connection, directory.settings().limits).await;
    let said = directory.settings().server;
    let found = read.map(|shown| {
        let name = match shown.make {
            Make::OpenLdap => "OpenLDAP",
            Make::Ds389 => "389 Directory Server",
            Make::ActiveDirectory => "Active Directory",
            Make::Samba => "Samba",
            Make::Other => "",
        };
        let vendor = shown.vendor.clone().filter(|vendor| !vendor.contains(name) || name.is_empty());
        let vendor = match (name, vendor) {
            ("", None) => String::new(),
            ("", Some(vendor)) => vendor,
            (name, None) => shown.vendor.clone().unwrap_or_else(|| name.to_owned()),
            (name, Some(vendor)) => format!("{name} ({vendor})"),
        };
        let step = match (shown.make, said) {
            _ if vendor.is_empty() => CheckStep::new("server", Level::Ok, "server_untold"),
            (shown_as, said) if shown_as != Make::Other && said != Server::Other && shown.make_or(said) != shown_as => {
                CheckStep::new("server", Level::Warning, "server_otherwise").fact("vendor", &vendor)
            }
            _ => CheckStep::new("server", Level::Ok, "server").fact("vendor", &vendor),
        };
        (shown, step)
    });
    steps.note("server", found)
}

/// Compares the server's clock with ours, where it tells: Active Directory the time, OpenLDAP the time of its last change.
pub(super) async fn clock(directory: &Directory, connection: &mut Connection, shown: &RootDse, now: i64, steps: &mut Steps) {
    let step = if let Some(theirs) = shown.current_time.as_deref().and_then(seconds) {
        let apart = (theirs - now).abs();
        let (level, code) = if apart > CLOCKS_APART_MAX_S { (Level::Warning, "clock_apart") } else { (Level::Ok, "clock") };
        CheckStep::new("clock", level, code).fact("apart", &apart)
    } else {
        let ahead = last_change(directory, connection, shown).await.map(|last| last - now);
        match ahead.filter(|ahead| *ahead > CLOCKS_APART_MAX_S) {
            Some(ahead) => CheckStep::new("clock", Level::Warning, "clock_ahead").fact("apart", &ahead),
            None => CheckStep::new("clock", Level::Ok, "clock_untold"),
        }
    };
    steps.0.push(step);
}

/// When OpenLDAP last changed something, by its own clock (`contextCSN`).
async fn last_change(directory: &Directory, connection: &mut Connection, shown: &RootDse) -> Option<i64> {
    let base = dn::normalise(directory.settings().base_dns.first()?).ok()?;
    let holds = |context: &&String| dn::normalise(context).is_ok_and(|context| dn::within(&base, &context));
    let context = shown.naming_contexts.iter().find(holds)?;
    let names = ["contextCSN".to_owned()];
    let query = Query {
        base: context,
        scope: ldap3::Scope::Base,
        filter: "(objectClass=*)",
        names: &names,
        page_size: 1,
        limits: directory.settings().limits,
        references_expected: true,
    };
    let (found, _) = run(connection, &query, 1, 0).await.ok()?;
    let entry = found.first()?.entries().next()?;
    let (_, values) = attributes(entry).next()?;
    let mut values = Elements(values);
    // One a server of the cluster: `20260101000000.000000Z#000000#000#000000`.
    let times = std::iter::from_fn(|| values.next().ok()?.map(|value| value.content));
    times.filter_map(|csn| seconds(std::str::from_utf8(csn).ok()?.split('#').next()?)).max()
}

/// How this server tells what changed, as far as this account may ask.
pub(super) async fn tells_changes(directory: &Directory, connection: &mut Connection, steps: &mut Steps) {
    let found = changes::method(directory, connection).await.map(|method| {
        let unseen = changes::unseen(directory).filter(|_| method.is_none() && directory.settings().is_active_directory());
        if let Some(attribute) = unseen {
            return ((), CheckStep::new("changes", Level::Warning, "changes_unseen").fact("attribute", attribute));
        }
        let code = match method {
            Some(Method::DirSync) => "changes_by_dirsync",
            Some(Method::Usn) => "changes_by_usn",
            Some(Method::Syncrepl) => "changes_by_syncrepl",
            Some(Method::RetroChangelog) => "changes_by_retro_changelog",
            Some(Method::Timestamp) => "changes_by_timestamp",
            None => "changes_by_content",
        };
        ((), CheckStep::new("changes", Level::Ok, code))
    });
    steps.note("changes", found);
}
