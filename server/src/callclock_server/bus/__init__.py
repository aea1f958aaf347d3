"""Publish and subscribe. A hint, never the truth: whoever misses a message finds everything in the tables.

- Each call has a channel, `call_channel(cid)`; its messages are the new events of one commit, in order.
- `ALARM` carries the moment of a new alarm, for the sweepers; `OUTBOX` carries None, for the outbox workers.
- `ACCESS` tells whose rights have changed, `user_channel(user_id)` tells of a user's joins. Both are notices:
  they stand in the log too, so that a lost one is found there.
- Messages of one channel reach every subscriber in the order of publishing. `publish` neither blocks nor
  raises; a receiver that raises is logged and does not keep the others from theirs.

`LocalBus` serves one process. `RedisBus` serves its own process in the same way, at once, and tells the other
nodes through Redis; what Redis cannot take is dropped and counted.
"""

from .channels import ACCESS, ALARM, OUTBOX, Bus, Message, Receiver, call_channel, connect, user_channel
from .local import LocalBus
from .redis import BusUnavailable, RedisBus

__all__ = [
    "ACCESS",
    "ALARM",
    "OUTBOX",
    "Bus",
    "BusUnavailable",
    "LocalBus",
    "Message",
    "Receiver",
    "RedisBus",
    "call_channel",
    "connect",
    "user_channel",
]
