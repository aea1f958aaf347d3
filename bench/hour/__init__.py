"""The top of the hour: many sessions due at one instant, on PostgreSQL, with everything real.

- `postgres.py` starts a PostgreSQL of its own, with the durability that it has by default.
- `nodes.py` starts server processes and adds up the CPU seconds of processes.
- `arming.py` fills the tables and gives sessions their deadlines.
- `watchers.py` is a process of its own: the WebSockets, and the check that each end was told once.
- `measure.py` puts them together and prints the tables.
"""
