"""What may run at most: how many at once, and how many in a while."""
