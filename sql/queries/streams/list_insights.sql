-- The newest insights of a stream first, from the one after `before` on.
SELECT i.id, i.kind, i.title, i.evidence, i.agent_id, i.task_id, i.execution_id, i.created_at
FROM stream_insights i
WHERE i.stream_id = %(stream_id)s AND i.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
  AND (i.created_at, i.id) < (coalesce(%(before_at)s::timestamptz, 'infinity'),
                              coalesce(%(before_id)s::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
ORDER BY i.created_at DESC, i.id DESC
LIMIT %(limit)s
