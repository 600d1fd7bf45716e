-- What all runners know of the outside world together: answers of sources that are kept, hosts that do not answer,
-- and sources that said when to come again.
--
-- * http_cache is a cache: any row may go at any time. A row is found by what was asked, by whom (each credential
--   sees its own), and holds an answer, the word that there is none, or that we do not take it.
-- * host_breakers has a row for each host whose last calls failed. A call that succeeds deletes it. After so many
--   failures in a row the breaker is open: nobody calls. After a while one call is let through, and decides.
-- * A rate limit can be held: no call is let through until then, however few there were.

SET LOCAL lock_timeout = '30s';

CREATE TABLE http_cache (
    key text PRIMARY KEY,
    source text NOT NULL,
    url text NOT NULL,
    status integer,
    refusal text,
    headers jsonb NOT NULL DEFAULT '{}',
    etag text,
    last_modified text,
    body bytea NOT NULL DEFAULT '',
    size integer NOT NULL GENERATED ALWAYS AS (octet_length(body)) STORED,
    fetched_at timestamptz NOT NULL DEFAULT oppspot_now(),
    expires_at timestamptz NOT NULL,
    CHECK ((status IS NULL) <> (refusal IS NULL))
);
COMMENT ON TABLE http_cache IS 'Answers of sources and web sites. Any row may be deleted.';
COMMENT ON COLUMN http_cache.key IS 'The source, a colon, and what stands for the credential and what was asked.';
COMMENT ON COLUMN http_cache.url IS 'What answered at last, else what was asked for; without what looks like a secret.';
COMMENT ON COLUMN http_cache.status IS '200 to 299, or 404 or 410. NULL: the answer was not taken.';
COMMENT ON COLUMN http_cache.refusal IS 'The code of the rule of ours that the answer broke.';
COMMENT ON COLUMN http_cache.fetched_at IS 'When the source last said so, also by saying that nothing has changed.';
COMMENT ON COLUMN http_cache.expires_at IS 'Until when the row is of use. An answer may have to be asked for anew long before.';
CREATE INDEX http_cache_expires ON http_cache (expires_at);

CREATE TABLE host_breakers (
    source text NOT NULL,
    host text NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    open_s double precision NOT NULL CHECK (open_s > 0 AND open_s <= 1e6),
    failed_at timestamptz NOT NULL DEFAULT oppspot_now(),
    opened_at timestamptz,
    probe_until timestamptz,
    last_error text,
    PRIMARY KEY (source, host)
) WITH (fillfactor = 50);
COMMENT ON TABLE host_breakers IS 'Hosts whose last calls failed. Delete a row to close the breaker and forget the failures.';
COMMENT ON COLUMN host_breakers.failures IS 'Failures in a row: a success deletes the row.';
COMMENT ON COLUMN host_breakers.open_s IS 'Seconds from the opening to the next try.';
COMMENT ON COLUMN host_breakers.opened_at IS 'When the breaker opened, again if the last try failed; NULL = closed.';
COMMENT ON COLUMN host_breakers.probe_until IS 'A call tries the host. If nobody tells of its end until then, another one may.';

-- Seconds until the host may be called, 0: now. NULL: now, and a success has nothing to mend.
CREATE FUNCTION admit_host_call(source text, host text) RETURNS double precision
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    breaker host_breakers;
    free_at timestamptz;
BEGIN
    SELECT b.* INTO breaker FROM host_breakers b WHERE b.source = $1 AND b.host = $2;
    IF breaker.source IS NULL THEN
        RETURN NULL;
    ELSIF breaker.opened_at IS NULL THEN
        RETURN 0;
    END IF;
    free_at := greatest(breaker.opened_at + make_interval(secs => breaker.open_s), breaker.probe_until);
    IF free_at > oppspot_now() THEN
        RETURN extract(epoch FROM free_at - oppspot_now());
    END IF;
    -- Of those that come at once, the one whose update is first is the try; the others see what became of it.
    UPDATE host_breakers b SET probe_until = oppspot_now() + make_interval(secs => b.open_s)
    WHERE b.source = $1 AND b.host = $2 AND b.opened_at = breaker.opened_at
      AND b.probe_until IS NOT DISTINCT FROM breaker.probe_until;
    RETURN CASE WHEN FOUND THEN 0 ELSE admit_host_call(source, host) END;
END
$$;

-- Counts a failed call. Those that were on already when the breaker opened change nothing; old failures do not count.
CREATE FUNCTION count_host_failure(source text, host text, most integer, open_s double precision, error text) RETURNS void
LANGUAGE sql SET search_path FROM CURRENT AS
$$
    INSERT INTO host_breakers AS b (source, host, failures, open_s, opened_at, last_error)
    VALUES ($1, $2, 1, $4, CASE WHEN $3 <= 1 THEN oppspot_now() END, $5)
    ON CONFLICT ON CONSTRAINT host_breakers_pkey DO UPDATE SET
        failures = CASE WHEN b.failed_at < oppspot_now() - interval '1 hour' AND b.opened_at IS NULL THEN 1 ELSE b.failures + 1 END,
        open_s = excluded.open_s, failed_at = oppspot_now(), last_error = excluded.last_error, probe_until = NULL,
        opened_at = CASE WHEN b.opened_at + make_interval(secs => b.open_s) > oppspot_now() THEN b.opened_at
                         WHEN b.opened_at IS NOT NULL OR b.failures + 1 >= $3
                              AND b.failed_at >= oppspot_now() - interval '1 hour' THEN oppspot_now() END
$$;

-- What is open, for people.
CREATE VIEW open_host_breakers AS
SELECT b.source, b.host,
       CASE WHEN b.opened_at + make_interval(secs => b.open_s) > oppspot_now() THEN 'open' ELSE 'half-open' END AS state,
       b.failures, b.last_error, b.opened_at,
       greatest(b.opened_at + make_interval(secs => b.open_s), b.probe_until) AS next_try_at
FROM host_breakers b
WHERE b.opened_at IS NOT NULL;
COMMENT ON VIEW open_host_breakers IS
    'Hosts that nobody calls after failures in a row: open until next_try_at, then half-open until one call has tried.';

ALTER TABLE tool_call_rates ADD COLUMN held_until timestamptz;
COMMENT ON COLUMN tool_call_rates.held_until IS 'Until then no call is let through: the other side said so.';

-- As before, and no call while the limit is held.
CREATE OR REPLACE FUNCTION take_tool_call(key text, most integer, window_s double precision) RETURNS double precision
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
DECLARE
    rate tool_call_rates;
    oldest timestamptz;
    wait_s double precision;
BEGIN
    IF most = 0 THEN
        RETURN window_s;
    END IF;
    INSERT INTO tool_call_rates AS r (key, window_s) VALUES ($1, $3)
    ON CONFLICT ON CONSTRAINT tool_call_rates_pkey DO UPDATE SET window_s = excluded.window_s
    RETURNING * INTO rate;
    SELECT s.at INTO oldest FROM tool_call_starts s WHERE s.key = $1 AND s.number = rate.calls + 1 - most;
    -- Who waited for the row asks with an older time; times in it never go back.
    rate.last_at := greatest(oppspot_now(), rate.last_at);
    wait_s := greatest(extract(epoch FROM oldest - rate.last_at) + window_s, extract(epoch FROM rate.held_until - rate.last_at));
    IF wait_s > 0 THEN
        RETURN wait_s;
    END IF;
    DELETE FROM tool_call_starts s WHERE s.key = $1 AND s.number <= rate.calls + 1 - most;
    INSERT INTO tool_call_starts (key, number, at) VALUES ($1, rate.calls + 1, rate.last_at);
    UPDATE tool_call_rates r SET calls = rate.calls + 1, last_at = rate.last_at WHERE r.key = $1;
    RETURN 0;
END
$$;

-- Lets no call of `key` through for so many seconds, or longer where that was said already.
CREATE FUNCTION hold_tool_calls(key text, window_s double precision, hold_s double precision) RETURNS void
LANGUAGE sql SET search_path FROM CURRENT AS
$$
    INSERT INTO tool_call_rates AS r (key, window_s, held_until) VALUES ($1, $2, oppspot_now() + make_interval(secs => $3))
    ON CONFLICT ON CONSTRAINT tool_call_rates_pkey DO UPDATE SET held_until = greatest(r.held_until, excluded.held_until)
$$;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (37, 'outside_world', false, oppspot_now());
