"""For tests of users: the outside world, to ask without leaving this machine."""
