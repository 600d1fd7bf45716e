-- How far a stream is on its way to its target_metrics: counted anew whenever one of its tasks ends, in
-- that transaction, and kept in streams.progress beside what its agents say of themselves.

SET LOCAL lock_timeout = '30s';

-- `companies_to_find` is reached by companies that have the least score of the goal, if it has one;
-- `min_quality_score` by the average. Any other number is a target for the number of that name that an
-- agent put into the progress. `percent` is that of the target that is the farthest away.
CREATE FUNCTION stream_progress(stream streams) RETURNS jsonb
LANGUAGE sql STABLE SET search_path FROM CURRENT AS
$$
    WITH wanted AS (
        SELECT m.key, m.value::numeric AS target
        FROM jsonb_each(CASE jsonb_typeof(stream.target_metrics) WHEN 'object' THEN stream.target_metrics ELSE '{}' END) m
        WHERE CASE jsonb_typeof(m.value) WHEN 'number' THEN m.value::numeric > 0 END
    ), counted AS (
        SELECT count(*) AS items, count(i.quality_score) AS scored, round(avg(i.quality_score), 2) AS average,
               count(*) FILTER (WHERE i.quality_score >= 4) AS high,
               count(*) FILTER (WHERE l.least IS NULL OR i.quality_score >= l.least) AS qualified
        FROM (SELECT min(target) AS least FROM wanted WHERE key = 'min_quality_score') l
        JOIN stream_items i ON i.stream_id = stream.id
    ), measured AS (
        SELECT w.key, w.target, coalesce(CASE w.key
            WHEN 'companies_to_find' THEN c.qualified WHEN 'min_quality_score' THEN c.average
            ELSE CASE jsonb_typeof(stream.progress -> w.key) WHEN 'number' THEN (stream.progress -> w.key)::numeric END
            END, 0) AS reached
        FROM wanted w CROSS JOIN counted c
    ), compared AS (
        SELECT m.*, greatest(least(floor(100 * m.reached / m.target), 100), 0)::integer AS percent FROM measured m
    )
    SELECT jsonb_build_object(
        'counts', (SELECT jsonb_build_object('items', c.items, 'scored', c.scored, 'qualified', c.qualified,
                                             'high_quality', c.high, 'avg_quality_score', c.average) FROM counted c),
        'targets', (SELECT coalesce(jsonb_object_agg(p.key, jsonb_build_object(
            'target', p.target, 'reached', p.reached, 'percent', p.percent)), '{}') FROM compared p),
        'percent', (SELECT min(p.percent) FROM compared p))
$$;

-- A stream whose row is held is left out: that is a transaction that saves results and will count too, and
-- whoever ends many tasks must not wait for it.
CREATE FUNCTION keep_stream_progress(p_streams uuid[]) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
BEGIN
    UPDATE streams s SET progress = CASE jsonb_typeof(s.progress) WHEN 'object' THEN s.progress ELSE '{}' END || m.now
    FROM (SELECT f.id, stream_progress(f) AS now FROM streams f
          WHERE f.id = ANY (p_streams) ORDER BY f.id FOR NO KEY UPDATE SKIP LOCKED) m
    WHERE s.id = m.id AND (s.progress -> 'counts', s.progress -> 'targets', s.progress -> 'percent')
        IS DISTINCT FROM (m.now -> 'counts', m.now -> 'targets', m.now -> 'percent');
END
$$;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (20, 'stream_progress', false, oppspot_now());
