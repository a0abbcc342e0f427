-- Nothing changes here: SQLite looks foreign keys up at little cost. The number is kept the same on every engine.
SELECT 1;
