-- Whether runners of other versions are at work here: a breaking migration waits until they are gone.
SELECT EXISTS (SELECT FROM task_runners
               WHERE lease_until > oppspot_now() AND version <> %(version)s) AS at_work
