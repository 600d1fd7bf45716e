SELECT desired FROM task_runners WHERE id = %(runner_id)s
