-- The answer of a call as a step, fenced by the token, and the record of the call. One that was begun keeps its row
-- without an end where the task is lost: who has the task now does not know the answer.
WITH step AS (
    INSERT INTO agent_steps (task_id, name, seq, result, attempt, position, fingerprint)
    SELECT t.id, %(name)s, %(seq)s, %(result)s::jsonb, t.attempt, %(position)s, %(fingerprint)s FROM agent_tasks t
    WHERE t.id = %(task_id)s AND t.run_token = %(run_token)s
    FOR NO KEY UPDATE
    ON CONFLICT (task_id, name, seq) DO UPDATE SET result = agent_steps.result
    RETURNING seq
), begun AS (
    UPDATE tool_calls SET ended_at = oppspot_now(), code = %(code)s
    WHERE id = %(id)s AND key IS NOT NULL AND ended_at IS NULL AND EXISTS (SELECT FROM step)
), made AS (
    INSERT INTO tool_calls (id, tool, arguments, started_at, ended_at, code, task_id, attempt, step, seq, agent_id, organization_id)
    SELECT %(id)s, %(tool)s, %(arguments)s::jsonb, oppspot_now() - make_interval(secs => %(took_s)s), oppspot_now(),
           %(code)s, %(task_id)s, %(attempt)s, %(name)s, %(seq)s, %(agent_id)s, %(org_id)s::text
    ON CONFLICT (id) DO NOTHING
)
SELECT seq FROM step
