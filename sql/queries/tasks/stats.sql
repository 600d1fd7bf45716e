-- The view is the one place that knows how tasks are counted.
SELECT pending, processing, completed, failed, cancelled, total FROM task_runner_stats
