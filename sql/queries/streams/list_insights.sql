-- The newest insights of a stream first.
SELECT i.id, i.kind, i.title, i.evidence, i.agent_id, i.task_id, i.execution_id, i.created_at
FROM stream_insights i
WHERE i.stream_id = %(stream_id)s AND i.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
ORDER BY i.created_at DESC, i.id DESC
LIMIT %(limit)s
