-- What is left of somebody who is forgotten, for every organisation.
INSERT INTO suppressions (kind, digest, reason, created_by)
SELECT CASE WHEN w.what LIKE 'email %%' THEN 'email' ELSE 'person' END, forgotten_digest(w.what), 'forgotten', %(by)s
FROM unnest(%(whats)s::text[]) AS w (what)
ON CONFLICT DO NOTHING
