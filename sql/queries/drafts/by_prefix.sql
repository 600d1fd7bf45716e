-- Drafts whose id begins with what somebody typed.
SELECT d.id FROM drafts d WHERE d.id BETWEEN %(low)s AND %(high)s ORDER BY d.id LIMIT 6
