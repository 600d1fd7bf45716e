-- Only asked where it is missing: the right to make one is seldom given to an application.
CREATE SCHEMA IF NOT EXISTS {schema}
