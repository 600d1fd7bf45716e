-- The end of a call and, where there is an answer, the step that keeps it: one statement, both or none. Fenced by
-- end_model_call. What was kept of the step was no use any more: the model would not have been asked. A test of an agent
-- (token 0) keeps no steps.
WITH ended AS MATERIALIZED (
    SELECT end_model_call(jsonb_populate_record(NULL::model_calls, %(call)s::jsonb)) AS ours
), kept AS (
    INSERT INTO agent_steps (task_id, name, seq, result, attempt, position, fingerprint)
    SELECT %(task_id)s, %(name)s, %(seq)s, %(result)s::jsonb, %(attempt)s, %(position)s::integer, %(fingerprint)s
    FROM ended WHERE ended.ours AND %(result)s::jsonb IS NOT NULL AND (%(call)s::jsonb ->> 'run_token')::bigint <> 0
    ON CONFLICT (task_id, name, seq) DO UPDATE SET
        result = excluded.result, attempt = excluded.attempt, position = excluded.position, fingerprint = excluded.fingerprint
)
SELECT ours FROM ended
