-- How known posts fare now; what is gone there loses its words here. Only what changed is written.
UPDATE source_items i SET
    score = CASE WHEN g.removed THEN i.score ELSE g.score END,
    comments = CASE WHEN g.removed THEN i.comments ELSE g.comments END,
    removed = g.removed,
    title = CASE WHEN g.removed THEN '' ELSE i.title END,
    text = CASE WHEN g.removed THEN '' ELSE i.text END,
    author = CASE WHEN g.removed THEN NULL ELSE i.author END,
    url = CASE WHEN g.removed THEN NULL ELSE i.url END,
    payload = CASE WHEN g.removed THEN '{}' ELSE i.payload END,
    last_seen_at = oppspot_now()
FROM jsonb_to_recordset(%(counts)s::jsonb) AS g (external_id text, score integer, comments integer, removed boolean)
WHERE i.platform = %(platform)s AND i.external_id = g.external_id
  AND i.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
  AND (i.removed OR g.removed OR (i.score, i.comments) IS DISTINCT FROM (g.score, g.comments))
  AND NOT (i.removed AND g.removed)
RETURNING i.external_id
