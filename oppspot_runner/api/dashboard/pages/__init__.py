"""Pages, a module for each view."""
