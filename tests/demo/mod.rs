//! Tests of: demo. The embedded directory is asked over the wire, by OpenLDAP's own tools and by a bare client.

mod changes;
mod command;
mod connections;
mod filters;
mod ldif;
mod like_slapd;
mod mail_tray;
mod people;
mod reader;
mod ready;
mod sample;
mod searches;
mod tools;
mod wire;
