"""Media room control through LiveKit's server API.

Rooms are named by the session they carry, are created only by this package (the engine's automatic
creation is off) and are deleted when their session ends, so that an old token finds nothing to enter
(design rule 4). Everything that changes a room travels through the outbox: `worker.py` runs an effect
until the engine has confirmed it. `webhooks.py` is the way back: who is in a room, as the engine tells.
"""
