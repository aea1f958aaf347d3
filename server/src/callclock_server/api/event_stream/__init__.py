"""The event stream (design section 8): one WebSocket per client, JSON both ways.

Invariants:
- a connection hears the events of a call in the order of their ids, each at most once;
- the state in `watch.ok` and the events after it have no hole between them: the call's `last_event_id`
  says where they join;
- a slow reader costs itself its connection (4008), and nobody else a millisecond;
- the table `events` is the truth; the bus only shortens the wait for it.

`protocol.py` is what a client may say, without I/O. `outbox.py` is the bounded queue of one connection.
`connection.py` joins the two with what it watches. `hub.py` reads the table and hands events out.
`socket.py` is the thin WebSocket shell.
"""
