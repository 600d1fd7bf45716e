-- What depends on a task of a run that nobody has put into a trace belongs to the trace of the task.
UPDATE stream_runs SET traceparent = %(traceparent)s WHERE id = %(run_id)s AND traceparent IS NULL
