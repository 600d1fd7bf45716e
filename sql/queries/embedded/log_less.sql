-- Errors of a client's statement are told to that client. Kept out of the server's log they cannot
-- fill the disk; what the server's own processes complain about is still logged.
ALTER ROLE oppspot SET log_min_messages = 'log';
