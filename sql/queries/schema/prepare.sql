-- Which migrations were applied here; the number is the key, so a racing peer is noticed.
CREATE TABLE IF NOT EXISTS oppspot_migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    breaking boolean NOT NULL,
    applied_at timestamptz NOT NULL
)
