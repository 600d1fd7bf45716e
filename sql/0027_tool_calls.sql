-- Calls of tools: a record of each, how many are let through in a while, and results that are kept.
--
-- * tool_calls has a row for every call. That of a call which must not be made twice is there before the call
--   (`key` is not NULL) and gets its end with the step that remembers the answer: an attempt that finds a row
--   without an end does not know whether the call was made.
-- * tool_call_rates and tool_call_starts are the memory of rate limits. A call is let through when the one that
--   is `most` calls older began at least a window ago: exact in every window, whoever asks, at the cost of the
--   rows of one window.
-- * tool_results is a cache: any row may go at any time.

SET LOCAL lock_timeout = '30s';

CREATE TABLE tool_calls (
    id uuid PRIMARY KEY DEFAULT oppspot_uuid(),
    tool text NOT NULL,
    arguments jsonb NOT NULL DEFAULT '{}',
    started_at timestamptz NOT NULL DEFAULT oppspot_now(),
    ended_at timestamptz,
    code text,
    task_id uuid,
    attempt integer,
    step text,
    seq integer,
    agent_id uuid,
    organization_id text,
    user_id text,
    key text
);
COMMENT ON TABLE tool_calls IS 'Every call of a tool, also those that were refused. Kept as long as attempts are.';
COMMENT ON COLUMN tool_calls.arguments IS 'As they came, without what looks like a secret; long ones are cut.';
COMMENT ON COLUMN tool_calls.ended_at IS 'NULL: it runs now, or nobody knows how it ended.';
COMMENT ON COLUMN tool_calls.code IS 'NULL: it succeeded, or has not ended. Else the code of the error.';
COMMENT ON COLUMN tool_calls.step IS 'With seq the step of the task that the call is.';
COMMENT ON COLUMN tool_calls.user_id IS 'Of a call outside of tasks: for whom it was made.';
COMMENT ON COLUMN tool_calls.key IS 'Idempotency key that the call carries. NULL: the call may be repeated.';
CREATE UNIQUE INDEX tool_calls_once ON tool_calls (task_id, step, seq) WHERE key IS NOT NULL;
CREATE INDEX tool_calls_started ON tool_calls USING brin (started_at);

CREATE TABLE tool_call_rates (
    key text PRIMARY KEY,
    calls bigint NOT NULL DEFAULT 0,
    last_at timestamptz NOT NULL DEFAULT oppspot_now(),
    window_s double precision NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE tool_call_rates IS 'How many calls each rate limit has let through. A row that is idle for a window goes.';
CREATE TABLE tool_call_starts (
    key text NOT NULL REFERENCES tool_call_rates (key) ON DELETE CASCADE,
    number bigint NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (key, number)
);
COMMENT ON TABLE tool_call_starts IS 'When the calls of the last window were let through.';

CREATE TABLE tool_results (
    key text PRIMARY KEY,
    result jsonb NOT NULL,
    expires_at timestamptz NOT NULL
);
COMMENT ON TABLE tool_results IS 'Results of tools that stay right for a while. Any row may be deleted.';
COMMENT ON COLUMN tool_results.key IS 'The tool, a colon, and what stands for organisation and arguments.';

-- Counts a call of `key`: 0; or the seconds until the next one is let through, which then is not counted.
CREATE FUNCTION take_tool_call(key text, most integer, window_s double precision) RETURNS double precision
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
    wait_s := extract(epoch FROM oldest - rate.last_at) + window_s;
    IF wait_s > 0 THEN
        RETURN wait_s;
    END IF;
    DELETE FROM tool_call_starts s WHERE s.key = $1 AND s.number <= rate.calls + 1 - most;
    INSERT INTO tool_call_starts (key, number, at) VALUES ($1, rate.calls + 1, rate.last_at);
    UPDATE tool_call_rates r SET calls = rate.calls + 1, last_at = rate.last_at WHERE r.key = $1;
    RETURN 0;
END
$$;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (27, 'tool_calls', false, oppspot_now());
