-- What tools cost: calls of models by tasks that a tool started.

SET LOCAL lock_timeout = '30s';

ALTER TABLE model_calls ADD COLUMN tool text;
COMMENT ON COLUMN model_calls.tool IS 'The tool whose call started the task, such as run_agent; NULL: none did.';

-- A tool starts tasks as the step that its call is. The text of it is that of ctx.tools and ctx.spawn.
CREATE FUNCTION tool_of_task(p_id uuid) RETURNS text
LANGUAGE sql STABLE SET search_path FROM CURRENT AS
$$
    SELECT substring(s.name FROM '^children of tool (.*)$') FROM agent_tasks t
    JOIN agent_steps s ON s.task_id = t.parent_task_id AND s.name LIKE 'children of tool %'
    WHERE t.id = p_id AND t.id BETWEEN (s.result ->> 'first')::uuid AND (s.result ->> 'last')::uuid
    LIMIT 1
$$;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (33, 'costs_of_tools', false, oppspot_now());
