-- One transaction at a time writes people of an organisation: two would each make the person that both were told of.
SELECT pg_advisory_xact_lock(hashtextextended(
    'oppspot_runner.people:' || coalesce(%(org_id)s::uuid::text, ''), 0))
