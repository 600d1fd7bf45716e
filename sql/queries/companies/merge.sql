-- Merges one company into another one; see sql/0039_merges.sql.
SELECT merge_companies(%(company_id)s, %(into)s, %(reason)s, %(merged_by)s) AS id
