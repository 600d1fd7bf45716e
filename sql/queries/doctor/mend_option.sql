-- The statement that takes an option of a schedule away where it stands, so that its default counts: in what the
-- assignment has of its own, else in the agent's configuration. Without a key the whole is no object.
SELECT CASE
    WHEN jsonb_typeof(x.schedule_options) NOT IN ('object', 'null')
        THEN format('UPDATE stream_agent_assignments SET schedule_options = NULL WHERE id = %%L;', x.id)
    WHEN x.schedule_options ? %(key)s::text
        THEN format('UPDATE stream_agent_assignments SET schedule_options = schedule_options - %%L WHERE id = %%L;', %(key)s::text, x.id)
    ELSE format('UPDATE ai_agents SET configuration = configuration #- %%L WHERE id = %%L;',
                array_remove(ARRAY['schedule', %(key)s::text], NULL), s.agent_id)
    END AS fix
FROM schedules s LEFT JOIN stream_agent_assignments x ON x.id = s.assignment_id
WHERE s.id = %(schedule_id)s
