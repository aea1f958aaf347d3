"""A paid appointment from the first arrival to its record, in a second: run it, and read what it prints."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from callclock import StreamClient
from callclock import VideoOwnCapability as Can
from callclock.models import Change, SessionRecord
from callclock.testing import EmbeddedServer

RULES = {
    "max_duration_seconds": 3600,
    "starts": "all_roles",
    "required_roles": ["specialist", "patient"],
    "pause_when_absent": ["specialist"],
    "absence_grace_seconds": 30,
    "overtime_seconds": 300,
    "extension": {"steps_seconds": [300, 900], "consent_roles": ["patient"]},
}


def set_up(client: StreamClient) -> None:
    """What the clinic's server does once."""
    client.create_role("specialist")
    client.create_role("patient")
    client.video.create_call_type(
        "appointment",
        grants={"specialist": [Can.JOIN_CALL, Can.CHANGE_MAX_DURATION], "patient": [Can.JOIN_CALL]},
        settings={"limits": RULES, "media": {"engine": "none"}},
    )
    client.upsert_users(
        {
            "dr-lecter": {"name": "Dr. Hannibal Lecter", "role": "specialist"},
            "bill": {"name": "Buffalo Bill", "role": "patient"},
        }
    )


def play(client: StreamClient) -> SessionRecord:
    """What happens in the appointment; gives its record."""
    clock = client.test_clock
    call = client.video.call("appointment", "monday-9")
    members = [{"user_id": "dr-lecter"}, {"user_id": "bill"}]
    call.create(data={"created_by_id": "dr-lecter", "members": members})
    call.join(user_id="bill")
    clock.advance(4 * 60)
    session = call.join(user_id="dr-lecter").call.session
    assert session is not None
    clock.advance(20 * 60)
    call.leave(user_id="dr-lecter")
    clock.advance(3 * 60)
    call.join(user_id="dr-lecter")
    clock.advance(35 * 60)
    request = call.request_extension(900, user_id="bill", reason="one more question")
    granted = call.approve_request(request.id, price_text="€ 30.00")
    if granted.offer is not None:
        call.accept_offer(granted.offer.id, user_id="bill")
    clock.advance(20 * 60)
    clock.advance(5 * 60)
    assert call.verify(session.id).matches
    return call.record(session.id)


def tell(record: SessionRecord) -> Iterator[str]:
    """The record in lines, its times counted from the first arrival."""
    start = record.started_at

    def at(moment: datetime) -> str:
        return length((moment - start).total_seconds())

    yield f"ended: {record.ended_reason}"
    for name in ("wall", "waiting", "running", "paused", "overtime", "required_present"):
        yield f"{name:<16} {length(getattr(record, f'{name}_seconds'))}"
    for person in record.participants:
        stays = ", ".join(f"{at(stay.joined_at)} to {at(stay.left_at)}" for stay in person.presence)
        yield f"{person.user_id:<16} {length(person.present_seconds)}  ({stays})"
    for change in record.ledger:
        yield f"{at(change.at):>8}  {change.how:<12} {why(change)}".rstrip()
    assert all(one.ended_at == next_.started_at for one, next_ in pairwise(record.intervals))


def why(change: Change) -> str:
    """Who, how much and why, in a few words."""
    details = change.details or {}
    told = [
        f"{change.seconds:+g} s" if change.seconds else None,
        change.by,
        change.reason,
        *(f"{key}: {value}" for key, value in details.items() if not key.endswith(("_id", "_at"))),
    ]
    return ", ".join(str(each) for each in told if each)


def length(seconds: float) -> str:
    """`1:04:00`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def main() -> None:
    """Play the appointment on a server with a test clock, and print its record."""
    with EmbeddedServer() as server, server.client() as client:
        set_up(client)
        sys.stdout.writelines(f"{line}\n" for line in tell(play(client)))


if __name__ == "__main__":
    main()
