-- The stream that a task works for, if its organisation may see it.
SELECT id, org_id, name, goal_criteria, target_metrics FROM streams
WHERE id = %(stream_id)s AND org_id IS NOT DISTINCT FROM %(org_id)s
