-- How far an agent has read a source; no row: it begins.
SELECT seen_until FROM source_cursors WHERE agent_id = %(agent_id)s AND source = %(source)s
