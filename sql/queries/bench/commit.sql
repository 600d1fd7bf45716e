-- The least that can be committed: what it takes is the round trip and the disk.
INSERT INTO organizations (name) VALUES ('bench')
