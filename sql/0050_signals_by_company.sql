-- The signals of a company that are not over yet have one index: with two, a server that has not looked at the
-- table yet joined what is the company's with all that is not over.

SET LOCAL lock_timeout = '30s';

CREATE INDEX buying_signals_current_idx ON buying_signals (company_id, expires_at);
DROP INDEX buying_signals_company_idx;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (50, 'signals_by_company', false, oppspot_now());
