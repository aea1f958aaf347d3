"""What serving costs beside the bare thing: joins over HTTP beside their SQL under pgbench, the fan-out of an
event beside a bare broadcast.

- `recording.py` notes the statements that a join executes and writes them as a pgbench script.
- `joiners.py` is the HTTP load generator, `listeners.py` the one with the WebSockets: processes of their own.
- `bare.py` is a WebSocket server that does nothing but broadcast.
- `joins.py` and `fanout.py` are the two measurements.
"""
