//! `passerelle demo`: everything in one process, nothing to install.
