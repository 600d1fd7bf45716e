-- A stream is a goal that agents work for; they are assigned to it afterwards.
INSERT INTO streams (name, goal_criteria, target_metrics, org_id)
VALUES (%(name)s, %(goal_criteria)s::jsonb, %(target_metrics)s::jsonb, %(org_id)s)
RETURNING id
