"""Bodies in Celery workers: a real Redis, real workers, real runners."""
