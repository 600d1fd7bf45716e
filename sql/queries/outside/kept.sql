-- How many answers of each source are kept, and their bytes.
SELECT source, count(*) AS answers, sum(size)::bigint AS bytes FROM http_cache GROUP BY source
