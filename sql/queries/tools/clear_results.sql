-- By the tool, which the key begins with.
DELETE FROM tool_results WHERE %(tool)s::text IS NULL OR starts_with(key, %(tool)s::text || ':')
