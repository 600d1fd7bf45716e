-- One row for each change, written by the transaction that makes it.
INSERT INTO audit_log (org_id, actor, token_id, address, action, kind, target, before, after)
VALUES (%(org_id)s, %(actor)s, %(token_id)s, %(address)s, %(action)s, %(kind)s, %(target)s, %(before)s, %(after)s)
