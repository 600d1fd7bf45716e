-- Suggestions for people; those that somebody dismissed stay so.
INSERT INTO possible_duplicates (company_id, other_id, likeness)
SELECT least(d.one, d.other), greatest(d.one, d.other), d.likeness
FROM unnest(%(ones)s::uuid[], %(others)s::uuid[], %(likenesses)s::real[]) AS d (one, other, likeness)
ORDER BY 1, 2
ON CONFLICT (company_id, other_id) DO UPDATE SET likeness = excluded.likeness, found_at = oppspot_now()
WHERE possible_duplicates.dismissed_at IS NULL
