//! What the gateway remembers: the only place that names `sqlx`.
