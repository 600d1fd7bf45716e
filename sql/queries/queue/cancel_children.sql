-- What waits ends with its parent; what runs is asked to.
SELECT cancel_children(%(parents)s::uuid[], NULL) AS cancelled
