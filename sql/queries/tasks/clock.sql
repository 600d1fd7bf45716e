-- "In ten minutes" is meant by the clock that decides when a task is due.
SELECT oppspot_now() AS now
