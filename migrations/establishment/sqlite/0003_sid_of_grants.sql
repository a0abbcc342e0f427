-- The sid that a grant's ID tokens carry. Null for a grant that never changed its session: then it is the session's identifier.
ALTER TABLE grants ADD COLUMN sid BLOB;
