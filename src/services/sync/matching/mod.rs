//! Who of several sources is one person, and whose word counts for what. Pure: reads no store and writes nothing.

pub mod authority;
pub mod decide;
pub mod likeness;
#[cfg(test)]
mod tests;
