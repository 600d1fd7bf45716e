-- The newest posts whose points may still change, by the index on their time.
SELECT external_id
FROM source_items
WHERE platform = %(platform)s AND org_id IS NOT DISTINCT FROM %(org_id)s::uuid
  AND posted_at > oppspot_now() - %(age)s::interval AND NOT removed
ORDER BY posted_at DESC, external_id
LIMIT %(limit)s
