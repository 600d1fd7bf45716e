-- Drafts to somebody who is forgotten, or that name them: what is left of such a text could not be sent.
DELETE FROM drafts d WHERE d::text ~* %(pattern)s
