"""What follows from a grant, and what may be sent."""

from __future__ import annotations

from callclock_server.domain import capabilities, errors
from callclock_server.domain.built_in import built_in_call_types
from callclock_server.domain.permissions import publish_sources
from callclock_server.domain.settings import DEFAULTS
from callclock_server.timekeeping import FakeClock


def test_updating_call_and_settings_together_imply_changing_the_duration() -> None:
    assert "change-max-duration" in capabilities.derive(["update-call", "update-call-settings"])
    assert "change-max-duration" not in capabilities.derive(["update-call"])
    assert "change-max-duration" not in capabilities.derive(["update-call-settings"])


def test_joining_implies_reading() -> None:
    assert "read-call" in capabilities.derive(["join-call"])


def test_two_roles_are_united_and_derived_together() -> None:
    grants = {"a": ["update-call"], "b": ["update-call-settings"]}
    assert "change-max-duration" in capabilities.of_roles(grants, "a", "b")
    assert capabilities.of_roles(grants, "a", None) == {"update-call"}


def test_source_needs_its_capability_and_its_setting() -> None:
    everything = capabilities.ALL
    assert publish_sources(everything, DEFAULTS) == [
        "microphone",
        "camera",
        "screen_share",
        "screen_share_audio",
    ]
    no_video = {**DEFAULTS, "video": {**DEFAULTS["video"], "enabled": False}}
    assert "camera" not in publish_sources(everything, no_video)
    assert publish_sources(frozenset({"send-audio"}), DEFAULTS) == ["microphone"]


def test_built_in_types_grant_only_what_exists_and_are_open() -> None:
    types = built_in_call_types(now=FakeClock().now())
    assert {t.name for t in types} == {"default", "audio_room", "livestream", "development"}
    assert not any(t.members_only for t in types)
    assert all(set(granted) <= capabilities.ALL for t in types for granted in t.grants.values())


def test_every_error_has_a_code_of_its_own() -> None:
    def leaves(kind: type[errors.CallclockError]) -> list[type[errors.CallclockError]]:
        below = kind.__subclasses__()
        return [leaf for sub in below for leaf in leaves(sub)] if below else [kind]

    codes = [leaf.code for leaf in leaves(errors.CallclockError)]
    assert len(codes) == len(set(codes))
