-- Of whom, by the ids of the register, all offices are known and fresh.
SELECT r.id FROM unnest(%(register_ids)s::text[]) AS r (id)
WHERE EXISTS (SELECT FROM people p WHERE p.register_ids @> ARRAY[r.id] AND p.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
    AND (p.checked_at >= %(since)s OR p.checked_at > oppspot_now() - make_interval(secs => %(ttl_s)s) AND NOT %(force)s))
