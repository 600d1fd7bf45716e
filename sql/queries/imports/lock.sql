-- One import at a time merges a batch into an organisation's companies: two at once neither wait for
-- each other in a circle nor insert the same company twice.
SELECT pg_advisory_xact_lock(hashtextextended('oppspot_runner.import:' || coalesce(%(org_id)s::uuid::text, ''), 0))
