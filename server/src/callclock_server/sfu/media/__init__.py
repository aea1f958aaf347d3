"""The media plane of the room server: ICE-lite, DTLS, SRTP, RTP forwarding and data channels on one UDP port.

Invariants. Packets are never decoded, only their headers are rewritten. One client's datagrams, however
malformed, change nothing for another. A viewer's stream begins with a key frame and never jumps: sequence
numbers, timestamps and VP8 ids go on over pauses, mutes and simulcast switches.

Everything but `port` is free of I/O and takes the time as an argument or a clock; `dtls`, `srtp` and `sctp`
each wrap one foreign library. All of it runs on one event loop, without tasks or locks. Lifecycle: open a
`MediaPort`, make a `Peer` per PeerConnection, `receive` its m-sections as `UpTrack`s, `send` them into other
peers as `DownTrack`s, close the peer.
"""

from callclock_server.sfu.media.downtrack import DownTrack
from callclock_server.sfu.media.peer import Peer
from callclock_server.sfu.media.port import MediaPort
from callclock_server.sfu.media.specs import (
    RECEIVE_EXTENSIONS,
    RECEIVE_FEEDBACK,
    SEND_EXTENSIONS,
    SEND_FEEDBACK,
    Codec,
    Kind,
    PeerStats,
    ReceiveSpec,
    SendSpec,
)
from callclock_server.sfu.media.uptrack import UpTrack

__all__ = [
    "RECEIVE_EXTENSIONS",
    "RECEIVE_FEEDBACK",
    "SEND_EXTENSIONS",
    "SEND_FEEDBACK",
    "Codec",
    "DownTrack",
    "Kind",
    "MediaPort",
    "Peer",
    "PeerStats",
    "ReceiveSpec",
    "SendSpec",
    "UpTrack",
]
