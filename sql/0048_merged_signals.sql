-- Signals, jobs and looks follow their company into the one that it turned out to be, and come back.
--
-- What both have alike stays where it is: the same sighting, the same job, the looks of the same watcher.

SET LOCAL lock_timeout = '30s';

ALTER TABLE buying_signals ADD COLUMN merged_from uuid;
ALTER TABLE job_postings ADD COLUMN merged_from uuid;
ALTER TABLE signal_watches ADD COLUMN merged_from uuid;
COMMENT ON COLUMN buying_signals.merged_from IS 'The company at which it was seen, when that was merged into this one.';
CREATE INDEX buying_signals_merged_idx ON buying_signals (merged_from) WHERE merged_from IS NOT NULL;
CREATE INDEX job_postings_merged_idx ON job_postings (merged_from) WHERE merged_from IS NOT NULL;
CREATE INDEX signal_watches_merged_idx ON signal_watches (merged_from) WHERE merged_from IS NOT NULL;

CREATE FUNCTION move_signals() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    kept uuid := coalesce(NEW.merged_into, NEW.id);
BEGIN
    WITH moved AS (
        UPDATE buying_signals s SET company_id = kept,
            merged_from = CASE WHEN NEW.merged_into IS NOT NULL THEN coalesce(s.merged_from, NEW.id) END
        WHERE (s.merged_from = NEW.id OR (s.company_id = NEW.id AND NEW.merged_into IS NOT NULL))
          AND NOT EXISTS (
            SELECT FROM signal_sightings g JOIN signal_sightings k ON k.company_id = kept
                AND k.signal_type = g.signal_type AND k.source = g.source AND k.key = g.key
                AND k.org_id IS NOT DISTINCT FROM g.org_id
            WHERE g.signal_id = s.id AND k.signal_id <> s.id)
        RETURNING s.id
    )
    UPDATE signal_sightings g SET company_id = kept FROM moved m WHERE g.signal_id = m.id;

    UPDATE job_postings p SET company_id = kept,
        merged_from = CASE WHEN NEW.merged_into IS NOT NULL THEN coalesce(p.merged_from, NEW.id) END
    WHERE (p.merged_from = NEW.id OR (p.company_id = NEW.id AND NEW.merged_into IS NOT NULL))
      AND NOT EXISTS (
        SELECT FROM job_postings k WHERE k.company_id = kept AND k.service = p.service AND k.board = p.board
          AND k.external_id = p.external_id AND k.org_id IS NOT DISTINCT FROM p.org_id AND k.id <> p.id);

    UPDATE signal_watches w SET company_id = kept,
        merged_from = CASE WHEN NEW.merged_into IS NOT NULL THEN coalesce(w.merged_from, NEW.id) END
    WHERE (w.merged_from = NEW.id OR (w.company_id = NEW.id AND NEW.merged_into IS NOT NULL))
      AND NOT EXISTS (
        SELECT FROM signal_watches k WHERE k.company_id = kept AND k.watcher = w.watcher
          AND k.org_id IS NOT DISTINCT FROM w.org_id);
    RETURN NULL;
END
$$;
CREATE TRIGGER companies_move_signals AFTER UPDATE OF merged_into ON companies
    FOR EACH ROW WHEN (OLD.merged_into IS DISTINCT FROM NEW.merged_into) EXECUTE FUNCTION move_signals();

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (48, 'merged_signals', false, oppspot_now());
