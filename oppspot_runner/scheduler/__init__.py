"""What starts by itself: agents at their times, and when their stream gains something."""
