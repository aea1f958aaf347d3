"""The bus inside one process."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from .channels import Message, Receiver

log = structlog.get_logger(__name__)


class LocalBus:
    """Calls the receivers directly, in the order of their subscribing.

    `alone` says that no other process works on the same database, so that nobody can miss anything.
    """

    def __init__(self, *, alone: bool = True) -> None:
        self._alone = alone
        self._receivers: dict[str, dict[object, Receiver]] = {}

    @property
    def whole(self) -> bool:
        """Whether everybody who must hear is in this process."""
        return self._alone

    def publish(self, channel: str, message: Message) -> None:
        """Hand `message` to all who subscribe to `channel` now."""
        receivers = self._receivers.get(channel)
        if not receivers:
            return
        for receiver in tuple(receivers.values()):
            try:
                receiver(message)
            except Exception:
                # A receiver's fault is its own: the commit stands, and the others get their message.
                log.exception("bus_receiver_failed", channel=channel)

    def subscribe(self, channel: str, receiver: Receiver) -> Callable[[], None]:
        """Call `receiver` with each message of `channel` until the returned function is called."""
        key = object()
        self._receivers.setdefault(channel, {})[key] = receiver

        def unsubscribe() -> None:
            receivers = self._receivers.get(channel)
            if receivers is not None and receivers.pop(key, None) is not None and not receivers:
                del self._receivers[channel]

        return unsubscribe

    async def settled(self) -> None:
        """A subscription is in force at once."""
