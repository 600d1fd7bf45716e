"""`doctor`: looks at everything that a runner stands on, and says how to mend what is wrong."""
