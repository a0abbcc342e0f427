-- What resources of feeds are sorted by, where that is not what they are found by: without accents, é stands beside e (RFC 7644 §3.4.2.3).
ALTER TABLE scim_resources ADD COLUMN name_sorted TEXT;
ALTER TABLE scim_values ADD COLUMN sorted TEXT;
