//! `passerelle demo`: everything in one process, nothing to install.

pub mod directory;
pub mod folder;
pub mod mail;
pub mod people;
pub mod printed;
pub mod run;
pub mod sample;
pub mod setup;
