-- Texts that say the name of somebody who is forgotten.
SELECT place, changed FROM blank_words(%(pattern)s, %(tables)s::text[])
