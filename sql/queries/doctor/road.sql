-- Whether nothing is limited or paused, so that claims read the queue in line.
SELECT NOT EXISTS (SELECT FROM task_pauses) AND NOT EXISTS (SELECT FROM task_limits) AS open
