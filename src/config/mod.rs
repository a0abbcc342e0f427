//! Configuration: one file a section, validated whole before a socket opens.
