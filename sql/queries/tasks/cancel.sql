-- Waiting tasks end here; running ones are ended by their runner, which is told at once.
SELECT cancel_task(%(task_id)s::uuid, %(reason)s::text) AS done
