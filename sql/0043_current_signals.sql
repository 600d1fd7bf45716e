-- The signals that count now, and what each of them is worth today.

SET LOCAL lock_timeout = '30s';

ALTER TABLE buying_signals ADD COLUMN sources text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN buying_signals.sources IS 'Who tells of it; signal_sightings has what each of them says.';
UPDATE buying_signals s SET sources = ARRAY(SELECT DISTINCT g.source FROM signal_sightings g WHERE g.signal_id = s.id ORDER BY 1);
-- Who writes a signal by hand need not know its half-life.
ALTER TABLE buying_signals ALTER expires_at SET DEFAULT oppspot_now() + interval '240 days';

CREATE VIEW current_signals AS
SELECT s.id, s.org_id, s.company_id, s.signal_type, s.strength, s.confidence, s.title, s.sources, s.status,
    s.occurred_at, s.expires_at, s.confidence * CASE s.strength
        WHEN 'very_strong' THEN 0.01::float8 WHEN 'strong' THEN 0.0075::float8 WHEN 'moderate' THEN 0.005::float8 ELSE 0.0025::float8 END
        * power(0.5::float8, 345600 * greatest(0, floor(extract(epoch FROM oppspot_now() - s.occurred_at)::float8 / 86400))
            / nullif(extract(epoch FROM s.expires_at - s.occurred_at)::float8, 0)) AS effect
FROM buying_signals s
WHERE s.status IN ('active', 'acted_upon') AND s.expires_at > oppspot_now();
COMMENT ON VIEW current_signals IS
    'Signals that count now. effect is strength x confidence, halved with each half-life of the type, 0 to 1.';

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (43, 'current_signals', false, oppspot_now());
