-- Before a runner gets its id: in a restored database the next one may have been given already.
SELECT notice_restore() AS restored
