-- How far limits are used up, by their keys; of those without a row no call is counted.
SELECT r.key, (SELECT count(*) FROM tool_call_starts s
               WHERE s.key = r.key AND s.at > oppspot_now() - make_interval(secs => r.window_s)) AS calls,
       greatest(extract(epoch FROM r.held_until - oppspot_now()), 0)::float8 AS held_s
FROM tool_call_rates r WHERE r.key = ANY (%(keys)s::text[])
