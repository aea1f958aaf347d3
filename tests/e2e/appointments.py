"""A clinic with the tutorial's data on a real server, and appointments of some seconds in it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from callclock import StreamClient, VideoOwnCapability
from callclock.models import Session

SPECIALIST, PATIENT = "dr-lecter", "bill"
NAMES = {SPECIALIST: "Dr. Hannibal Lecter", PATIENT: "Buffalo Bill"}
# Two encoders and two decoders share the machine's cores with the server under test.
SMALL_PICTURE = {"width": 320, "height": 180, "bitrate": 150_000}
SHARP_PICTURE = {"width": 640, "height": 480, "bitrate": 2_000_000}
NO_RULES: Mapping[str, Any] = {}
_NUMBERS = itertools.count(1)


def load_tutorial_data(client: StreamClient) -> None:
    """Load roles, call type and users as the tutorial does."""
    client.create_role("specialist")
    client.create_role("patient")
    present = [VideoOwnCapability.JOIN_CALL, VideoOwnCapability.SEND_AUDIO, VideoOwnCapability.SEND_VIDEO]
    may_change = [VideoOwnCapability.UPDATE_CALL, VideoOwnCapability.UPDATE_CALL_SETTINGS]
    may_admit = [VideoOwnCapability.JOIN_BACKSTAGE]
    client.video.create_call_type(
        "appointment",
        grants={"specialist": [*present, *may_change, *may_admit], "patient": present},
        settings={"limits": {"max_duration_seconds": 3600}},
    )
    client.upsert_users(
        {
            SPECIALIST: {"id": SPECIALIST, "name": NAMES[SPECIALIST], "role": "specialist"},
            PATIENT: {"id": PATIENT, "name": NAMES[PATIENT], "role": "patient"},
        }
    )


@dataclass(frozen=True)
class Appointment:
    """One call, as the clinic's own server sees it."""

    client: StreamClient
    url: str
    call_id: str

    def link(self, user_id: str, *, expires_in_seconds: int = 600, **changes: str) -> str:
        """The link that the clinic would send to this user; `changes` make it a wrong one."""
        token = self.client.create_token(user_id, expires_in_seconds=expires_in_seconds)
        fields = {
            "call": f"appointment:{self.call_id}",
            "token": token,
            "api_key": self.client.api_key,
            "user": user_id,
        }
        return f"{self.url}/join#{urlencode(fields | changes)}"

    def session(self) -> Session:
        """The running session. Fails when there is none."""
        session = self.client.video.call("appointment", self.call_id).get().call.session
        assert session is not None
        return session

    def ends_at(self) -> datetime:
        """The deadline of the running session."""
        deadline = self.session().timer_ends_at
        assert deadline is not None
        return deadline


@dataclass(frozen=True)
class Clinic:
    """A real server with the tutorial's people."""

    client: StreamClient
    url: str

    def appointment(
        self,
        *,
        seconds: int,
        warnings: Sequence[int] = (),
        max_participants: int | None = None,
        sharp: bool = False,
        chair: str | None = None,
        rules: Mapping[str, Any] = NO_RULES,
        backstage: bool = False,
        custom: Mapping[str, Any] = NO_RULES,
    ) -> Appointment:
        """Make an appointment; `chair` is a role that the specialist has in this call besides.

        `rules` are more limits: how the clock starts, pauses and is extended.
        """
        call_id = f"visit-{next(_NUMBERS)}"
        limits = {
            "max_duration_seconds": seconds,
            "warning_seconds": list(warnings),
            "max_participants": max_participants,
            **rules,
        }
        settings = {
            "limits": limits,
            "backstage": {"enabled": backstage},
            "video": {"target_resolution": SHARP_PICTURE if sharp else SMALL_PICTURE},
        }
        self.client.video.call("appointment", call_id).create(
            data={
                "members": [{"user_id": SPECIALIST, "role": chair}, {"user_id": PATIENT}],
                "created_by_id": SPECIALIST,
                "settings_override": settings,
                "custom": dict(custom),
            }
        )
        return Appointment(self.client, self.url, call_id)
