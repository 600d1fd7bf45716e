-- An agent of which nothing tells any more; what has run, or is to run, holds it.
DELETE FROM ai_agents WHERE id = %(id)s RETURNING id
