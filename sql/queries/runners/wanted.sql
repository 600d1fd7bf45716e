-- Slots that the work of now wants, by what a runner must serve and have.
SELECT task_type, labels, ready, running, slots FROM wanted_slots ORDER BY task_type, labels
