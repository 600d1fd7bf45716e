-- What one source states about a company at once, such as a row of a register, is one row of facts: a
-- record, with the field '*' and an object of all its values. A row for each value cost four fifths of
-- the time of an import. stated_facts takes records apart: read that one.

SET LOCAL lock_timeout = '30s';

CREATE VIEW stated_facts AS
SELECT f.id, f.company_id, f.org_id, s.field, s.value, f.source, f.source_url, f.observed_at,
    CASE WHEN f.field <> '*' OR s.field IN ('employees', 'employees_band') THEN f.valid_from END AS valid_from,
    f.confidence
FROM facts f CROSS JOIN LATERAL (
    SELECT f.field, f.value WHERE f.field <> '*'
    UNION ALL
    SELECT r.key, r.value FROM jsonb_each(CASE f.field WHEN '*' THEN f.value END) r) s (field, value);

ALTER TABLE facts ADD CONSTRAINT facts_record_check CHECK (field <> '*' OR jsonb_typeof(value) = 'object') NOT VALID;

COMMENT ON COLUMN facts.field IS 'A column of companies, another field, or * for a record: value holds many by their names.';
COMMENT ON COLUMN facts.valid_from IS 'The day for which the source states the value, or the head count of a record.';
COMMENT ON VIEW stated_facts IS 'Who said which value about a company: facts, with records taken apart.';

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (36, 'records', false, oppspot_now());
