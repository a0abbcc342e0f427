//! The bounds of SCIM requests that discovery tells (RFC 7643 §5). Those of filters and values are beside what reads them.

/// Largest body, in bytes: a group of 50,000 members is sent at once.
pub const PAYLOAD_MAX_BYTES: usize = 8 * 1024 * 1024;
/// Most operations of a Bulk request.
pub const BULK_OPERATIONS_MAX: usize = 1000;
/// How long a cursor is good for at least, in seconds: it names a place, and the place does not move.
pub const CURSOR_LIFETIME_S: u32 = 24 * 3600;
