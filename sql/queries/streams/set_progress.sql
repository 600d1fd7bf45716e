-- Merged here, so that agents that write at the same time lose nothing of each other.
UPDATE streams SET progress = coalesce(progress, '{}') || %(progress)s::jsonb
WHERE id = %(stream_id)s AND org_id IS NOT DISTINCT FROM %(org_id)s::uuid
