//! `passerelle demo`: everything in one process, nothing to install.

pub mod directory;
pub mod people;
pub mod sample;
