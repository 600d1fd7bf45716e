-- Whether nothing is limited or paused, and no label is asked for that a runner lacks, so that claims read the queue in line.
SELECT NOT EXISTS (SELECT FROM task_pauses) AND NOT EXISTS (SELECT FROM task_limits)
       AND NOT EXISTS (SELECT FROM required_labels l WHERE NOT l.labels <@ %(labels)s::text[]) AS open
