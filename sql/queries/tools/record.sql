-- A call outside of tasks, or one of a task without an answer. Sent again when the database did not answer.
INSERT INTO tool_calls (id, tool, arguments, started_at, ended_at, code, task_id, attempt, step, seq, agent_id, organization_id, user_id)
VALUES (%(id)s, %(tool)s, %(arguments)s::jsonb, oppspot_now() - make_interval(secs => %(took_s)s), oppspot_now(), %(code)s,
        %(task_id)s, %(attempt)s, %(name)s, %(seq)s, %(agent_id)s, %(org_id)s::text, %(user_id)s)
ON CONFLICT (id) DO NOTHING
