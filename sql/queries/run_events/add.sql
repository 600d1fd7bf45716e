-- Events of attempts, many in one statement. What became of the transaction can be asked by its number
-- when the answer to its commit gets lost.
SELECT add_attempt_events(%(task_ids)s::uuid[], %(tokens)s::bigint[], %(types)s::text[], %(data)s::text[]::jsonb[]) AS tokens,
       pg_current_xact_id()::text AS transaction
