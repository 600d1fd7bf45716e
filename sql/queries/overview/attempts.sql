-- How attempts of the last while ended, in equal parts of it; part 0 ends now. Ids of attempts begin with the time
-- of their start, so those of a while are at the end of the primary key; at most so many are looked at.
WITH moment AS MATERIALIZED (
    SELECT oppspot_now() AS now, date_part('epoch', oppspot_now()) AS now_s,
           (lpad(to_hex((extract(epoch FROM oppspot_now() - make_interval(secs => %(span_s)s + 3600)) * 1000)::bigint),
                 12, '0') || repeat('0', 20))::uuid AS first_id
), looked AS (
    SELECT e.completed_at, e.status FROM agent_executions e
    WHERE e.id >= (SELECT m.first_id FROM moment m)
    ORDER BY e.id DESC LIMIT %(most)s
)
SELECT least(floor((m.now_s - date_part('epoch', l.completed_at)) / %(part_s)s), %(span_s)s / %(part_s)s - 1)::integer AS part,
       count(*) FILTER (WHERE l.status = 'completed') AS completed, count(*) FILTER (WHERE l.status = 'failed') AS failed
FROM moment m CROSS JOIN looked l
WHERE l.completed_at > m.now - make_interval(secs => %(span_s)s)
GROUP BY 1 ORDER BY 1
