-- Signals whose time is over are found without those that were found before.

SET LOCAL lock_timeout = '30s';

CREATE INDEX buying_signals_open_idx ON buying_signals (expires_at) WHERE status IN ('active', 'unconfirmed');

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (49, 'open_signals', false, oppspot_now());
