//! Tests of the pages as served, and of what a browser may and may not do with them.

mod choice;
mod connections;
mod directory;
mod directory_says;
mod forms;
mod invitation;
mod probes;
mod reviews;
mod sign_in;
mod throttle;
