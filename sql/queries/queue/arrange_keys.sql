-- After a claim that met full keys, and after the end of a task with a key.
SELECT moved, busy FROM arrange_keys(%(keys)s::text[])
