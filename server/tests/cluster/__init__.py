"""Several real nodes on one PostgreSQL and one Redis, and what happens to them.

`stage.py` starts the processes, with a proxy that can stop forwarding before each thing that a node needs.
`faults.py` is what can go wrong. `clients.py` are people who watch, extend and come back; they keep a journal
of what was acknowledged. `verdict.py` compares all that with the database. `bench/chaos.py` uses the same.
"""
