-- What says nothing new is not written again: the newest insight of that agent and kind is compared.
WITH newest AS (
    SELECT i.id, i.title, i.evidence FROM stream_insights i
    WHERE i.stream_id = %(stream_id)s AND i.kind = %(kind)s
      AND i.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
      AND i.agent_id IS NOT DISTINCT FROM %(agent_id)s::uuid
    ORDER BY i.created_at DESC, i.id DESC LIMIT 1
), same AS (
    SELECT id FROM newest WHERE title = %(title)s AND evidence = %(evidence)s::jsonb
), written AS (
    INSERT INTO stream_insights (stream_id, org_id, agent_id, task_id, execution_id, kind, title, evidence)
    SELECT s.id, s.org_id, %(agent_id)s::uuid, %(task_id)s::uuid, %(execution_id)s::uuid,
        %(kind)s, %(title)s, %(evidence)s::jsonb
    FROM streams s
    WHERE s.id = %(stream_id)s AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
      AND NOT EXISTS (SELECT FROM same)
    RETURNING id
)
SELECT id FROM written UNION ALL SELECT id FROM same
