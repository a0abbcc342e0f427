//! The kit that fronts share: problems (the one table from error to status), requests (identifier, deadline), readers of bodies and
//! queries, versions (ETag), answers that several resources give. It answers no route of its own.

pub mod answer;
pub mod body;
pub mod listing;
pub mod problem;
pub mod query;
pub mod request;
pub mod version;
