-- What tests write is worth no wait for the disk.
ALTER SYSTEM SET fsync = off
