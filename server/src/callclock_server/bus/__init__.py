"""Publish and subscribe. A hint, never the truth: whoever misses a message finds everything in the tables.

- Each call has a channel, `call_channel(cid)`; its messages are the new events of one commit, in order.
- `ALARM` carries the moment of a new alarm, for the sweepers; `OUTBOX` carries None, for the outbox workers.
- Messages of one channel reach every subscriber in the order of publishing. `publish` neither blocks nor
  raises; a receiver that raises is logged and does not keep the others from theirs.
"""

from .channels import ALARM, OUTBOX, Bus, Message, Receiver, call_channel, connect
from .local import LocalBus

__all__ = ["ALARM", "OUTBOX", "Bus", "LocalBus", "Message", "Receiver", "call_channel", "connect"]
