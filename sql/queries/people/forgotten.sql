-- Which of these stand for somebody who was forgotten.
SELECT w.what FROM unnest(%(whats)s::text[]) AS w (what)
WHERE EXISTS (SELECT FROM suppressions s WHERE s.digest = forgotten_digest(w.what))
