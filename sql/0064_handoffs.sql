-- Bodies of agents that run outside of every runner, such as in a Celery worker. The row is what counts: whoever
-- carries messages between the two may lose them, bring them twice, or bring them late.

SET LOCAL lock_timeout = '30s';

CREATE TABLE task_handoffs (
    handle uuid PRIMARY KEY,
    task_id uuid NOT NULL,
    run_token bigint NOT NULL,
    attempt integer NOT NULL,
    companions uuid[] NOT NULL DEFAULT '{}',
    companion_tokens bigint[] NOT NULL DEFAULT '{}',
    backend text NOT NULL,
    runner_id bigint,
    ticket jsonb NOT NULL,
    submitted_at timestamptz NOT NULL DEFAULT oppspot_now(),
    started_at timestamptz,
    worker text,
    beat_at timestamptz,
    ended_at timestamptz,
    result jsonb,
    CHECK (cardinality(companions) = cardinality(companion_tokens)),
    CHECK (started_at IS NOT NULL OR (worker IS NULL AND beat_at IS NULL)),
    CHECK ((ended_at IS NULL) = (result IS NULL))
);
CREATE INDEX task_handoffs_task ON task_handoffs (task_id);
COMMENT ON TABLE task_handoffs IS
    'Bodies that run outside of every runner: written before they are submitted, deleted when their attempt has ended.';
COMMENT ON COLUMN task_handoffs.run_token IS 'Of the attempt; when its task has another one, nobody wants the body any more.';
COMMENT ON COLUMN task_handoffs.companions IS 'The other tasks of a batch, whose tokens are in companion_tokens.';
COMMENT ON COLUMN task_handoffs.backend IS 'Who carries it: the isolation of its agent.';
COMMENT ON COLUMN task_handoffs.runner_id IS 'The runner that waits for the end; NULL: it stopped, and left it for the next one.';
COMMENT ON COLUMN task_handoffs.ticket IS 'What the worker is told besides what it finds in the tables.';
COMMENT ON COLUMN task_handoffs.started_at IS 'When a worker took it: only the first one can.';
COMMENT ON COLUMN task_handoffs.beat_at IS 'When the worker said last that it works on it.';
COMMENT ON COLUMN task_handoffs.result IS 'How the body ended.';

ALTER TABLE task_runners ADD COLUMN backends text[];
COMMENT ON COLUMN task_runners.backends IS
    'Where the runner can have bodies run besides its own processes; NULL: it did not say.';

INSERT INTO access_rules (name, verbs, reads, changes) VALUES ('task_handoffs', '', 'false', NULL);
SELECT arrange_access();

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (64, 'handoffs', false, oppspot_now());
