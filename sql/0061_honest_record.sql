-- What an organisation does is written down in the name of the token that does it, and of no other one.

SET LOCAL lock_timeout = '30s';

UPDATE access_rules SET changes = 'org_id = (SELECT oppspot_api_org()) AND token_id = (SELECT oppspot_api_token())'
WHERE name = 'audit_log';
SELECT arrange_access();

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (61, 'honest_record', false, oppspot_now());
