-- What became of a transaction whose commit was not answered: committed, aborted, in progress; NULL when
-- it is too long ago.
SELECT pg_xact_status(%(transaction)s::text::xid8) AS fate
