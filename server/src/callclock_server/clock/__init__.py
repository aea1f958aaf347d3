"""The sweeper: wakes at the alarms of running sessions and lets the domain decide (design rule 10).

- Nothing is remembered that could be missed: when to look next, and plans that only save time. What is due is
  claimed from the table, settled, and told, in one transaction for each batch; a second sweeper, in this
  process or another, finds nothing left to do.
- On PostgreSQL the alarms of the next seconds are planned (`planner.py`; the invariants are in `calls.plan`).
  Plans that still hold are carried out first, then the ordinary way settles whatever else is due.
- A hint of a nearer alarm shortens the sleep; without one, the sweeper looks at least once a second.
- A session that cannot be settled is put aside for a second and does not stop the others. A database that
  does not answer stops the sweeping, never the sweeper.
"""

from .sweeper import Sweeper

__all__ = ["Sweeper"]
