-- NULL leaves a column as it is.
UPDATE streams SET
    name = coalesce(%(name)s, name),
    goal_criteria = coalesce(%(goal_criteria)s::jsonb, goal_criteria),
    target_metrics = coalesce(%(target_metrics)s::jsonb, target_metrics)
WHERE id = %(stream_id)s
RETURNING id
