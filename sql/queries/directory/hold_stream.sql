-- Two who assign agents to one stream take turns: each alone may be right and both together a cycle.
SELECT id, org_id FROM streams WHERE id = %(stream_id)s FOR NO KEY UPDATE
