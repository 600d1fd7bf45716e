-- Makes the clock of a database for tests one that is set: whoever asks, by whatever connection, gets the time of
-- the only row, so that the program under test and the runner live at the same time. In a schema of its own, which
-- no migration knows. A session that sets oppspot.now has its own time, as everywhere.
CREATE SCHEMA oppspot_testing;
CREATE TABLE oppspot_testing.clock (at timestamptz NOT NULL);
INSERT INTO oppspot_testing.clock VALUES ('2026-01-01T00:00:00Z');
GRANT USAGE ON SCHEMA oppspot_testing TO PUBLIC;
GRANT SELECT ON oppspot_testing.clock TO PUBLIC;
CREATE OR REPLACE FUNCTION oppspot_now() RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE AS
$$ BEGIN
    RETURN coalesce(nullif(current_setting('oppspot.now', true), '')::timestamptz, (SELECT at FROM oppspot_testing.clock));
END $$;
