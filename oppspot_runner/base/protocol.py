"""The number of what runners of one release and the rows that they write agree upon.

It rises when a release writes something into rows that a runner of an earlier one would misread.
Such rows say so (`agent_tasks.needs_protocol`), and earlier runners leave them alone.
"""

from __future__ import annotations

PROTOCOL = 1
