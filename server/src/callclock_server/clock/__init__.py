"""The sweeper: wakes at the alarms of running sessions and lets the domain decide (design rule 10).

- Nothing is remembered but when to look next. What is due is claimed from the table, settled, and told, in
  one transaction for each batch; a second sweeper, in this process or another, finds nothing left to do.
- A hint of a nearer alarm shortens the sleep; without one, the sweeper looks at least once a second.
- A session that cannot be settled is put aside for a second and does not stop the others. A database that
  does not answer stops the sweeping, never the sweeper.
"""

from .sweeper import Sweeper

__all__ = ["Sweeper"]
