"""An embedded room server that speaks LiveKit's protocol, as an ASGI application.

    server = RoomServer(RoomServerSettings(api_keys={"key": "secret"}))
    await server.start()
    ...mount `server` at the root for /rtc* and /twirp/*...
    await server.close()

Layers, top to bottom: `server` (ASGI, authentication) -> `session`, `requests`, `twirp` (what may be
asked) -> `rooms`, `room`, `participant` (state) -> `publishing`, `subscribing`, `negotiation_v0`,
`negotiation_v1` (who gets which media section) -> `sdp`, `codecs`, `tokens`, `data`, `speakers` (pure) ->
`media` (ICE, DTLS, RTP, SCTP).

Invariants:
- One event loop, no locks: a request is handled to its end before the next one. Anything slow is a
  queue (`signal_socket`, `webhooks`) or belongs to `media`.
- A client can only harm itself: bounded messages, rates, descriptions, queues and publications; errors
  end its own connection.
- What a participant may do is asked at the time of the deed from its present `Grants`, never cached.
- A forbidden or muted track is dropped at its arrival, before anybody is told.

It imports nothing from the rest of the package and reads no environment.
"""

from callclock_server.sfu.rooms import Patience, Rooms
from callclock_server.sfu.server import RoomServer, RoomServerSettings
from callclock_server.sfu.signal_socket import SignalLimits
from callclock_server.sfu.webhooks import RetryPolicy

__all__ = ["Patience", "RetryPolicy", "RoomServer", "RoomServerSettings", "Rooms", "SignalLimits"]
