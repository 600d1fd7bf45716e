-- Whether somebody who looks for signals has seen anything at a company of the stream yet.
SELECT EXISTS (
    SELECT FROM stream_items i JOIN streams s ON s.id = i.stream_id
    JOIN signal_watches w ON w.company_id = i.company_id AND w.org_id IS NOT DISTINCT FROM s.org_id
    WHERE i.stream_id = %(stream_id)s AND s.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
      AND w.looked_at IS NOT NULL) AS watched
