-- Run once, by the single-user server that follows initdb: the new cluster becomes visible under its
-- name only after this, so nobody ever meets a server without its database.
CREATE DATABASE oppspot;
