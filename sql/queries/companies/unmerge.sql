-- Takes a merge back; the company that it was merged into.
SELECT unmerge_company(%(company_id)s) AS id
