-- One transaction at a time writes people of an organisation: two would each make the person that both were told of. And none
-- while somebody is noted as forgotten: who was named before that would come back.
SELECT pg_advisory_xact_lock_shared(hashtextextended('oppspot_runner.forgetting', 0)),
    pg_advisory_xact_lock(hashtextextended('oppspot_runner.people:' || coalesce(%(org_id)s::uuid::text, ''), 0))
