-- After the ends of children were committed, so that whoever is last sees that all have ended.
SELECT wake_parents(%(parents)s::uuid[]) AS woken
