"""Bodies of requests and answers, a module for each kind of thing that has many."""
