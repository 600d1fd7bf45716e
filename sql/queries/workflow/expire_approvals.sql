-- Approvals that did not come in time: asked at each poll by every runner, a look at one index.
SELECT expire_approvals() AS started
