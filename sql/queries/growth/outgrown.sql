-- Tables of ours that were small when the server last looked at them, and are not any more. A plan made for a
-- table of a few pages reads all of it, and is kept until the server looks again: by itself once a minute at best.
-- One of a hundred pages got no such plan, so it is left to autovacuum. Only an owner may have it looked at.
SELECT c.relname AS name, (
    SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum LIMIT 1) AS first_column
FROM pg_class c JOIN access_rules r ON r.name = c.relname
WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind = 'r' AND c.relpages < 100
  AND pg_has_role(c.relowner, 'USAGE')
  AND pg_relation_size(c.oid) > current_setting('block_size')::bigint * greatest(10, 3 * c.relpages)
ORDER BY c.relname
