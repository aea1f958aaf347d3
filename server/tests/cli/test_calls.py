"""`callclock calls` against a running server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from callclock import Session, StreamClient
from callclock_server.cli.calls import parse_seconds
from callclock_server.cli.calls_table import duration, time_left
from callclock_server.cli.trouble import Trouble
from callclock_server.testing import RunningServer, running_server
from callclock_server.testing.databases import Databases


@pytest.fixture(scope="module")
def server(databases: Databases) -> Iterator[RunningServer]:
    with running_server(database_url=databases.fresh()) as server:
        yield server


@pytest.fixture
def client(server) -> Iterator[StreamClient]:
    with StreamClient(server.api_key, server.secret, base_url=server.url) as client:
        client.upsert_users({"ann": {"name": "Ann"}})
        yield client


@pytest.fixture
def calls(run, server) -> Callable[..., tuple[int, str, str]]:
    """Runs `callclock calls ...` against the server."""

    def call(*arguments: str, **environ: str) -> tuple[int, str, str]:
        return run("calls", *arguments, CALLCLOCK_KEYS=f"{server.api_key}:{server.secret}", **environ)

    return lambda command, *arguments: call(command, *arguments, "--url", server.url)


def begin(client: StreamClient, call_id: str, *, limit: int | None = 3600) -> None:
    data = {
        "created_by_id": "ann",
        "settings_override": {"limits": {"max_duration_seconds": limit}, "media": {"engine": "none"}},
    }
    client.video.call("default", call_id).create(data=data)
    client.video.call("default", call_id).join(user_id="ann")


def test_list_shows_running_calls_the_next_end_first(calls, client) -> None:
    begin(client, "long", limit=7200)
    begin(client, "brief", limit=200)
    client.video.call("default", "asleep").create(data={"created_by_id": "ann"})
    status, out, _ = calls("list")
    assert status == 0
    assert out.index("default:brief") < out.index("default:long")
    assert "asleep" not in out
    assert re.search(r"03:(20|1\d) soon", out)
    assert "default:asleep" in calls("list", "--all")[1]


def test_show_tells_people_clock_and_ledger(calls, client) -> None:
    begin(client, "shown")
    client.video.call("default", "shown").extend(60, reason="one more question")
    out = calls("show", "default:shown")[1]
    assert "running" in out
    assert "ann" in out
    assert "one more question" in out
    assert "+60" in out


def test_extend_moves_the_end_both_ways(calls, client) -> None:
    begin(client, "moved")
    before = client.video.call("default", "moved").get().call.session.timer_ends_at
    assert "was given 15:00" in calls("extend", "default:moved", "15m", "--reason", "paid")[1]
    assert "was shortened by 05:00" in calls("extend", "default:moved", "-5m")[1]
    after = client.video.call("default", "moved").get().call.session.timer_ends_at
    assert (after - before).total_seconds() == 600


def test_end_ends_the_call(calls, client) -> None:
    begin(client, "over")
    assert "has ended" in calls("end", "default:over", "--yes")[1]
    assert client.video.call("default", "over").get().call.ended_reason == "ended_by_user"
    assert "ended (ended by user)" in calls("show", "default:over")[1]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["show", "default:nowhere"], ["no such call", "calls list --all"]),
        (["show", "nonsense"], ["type:id"]),
        (["extend", "default:nowhere", "soon"], ["not a time", "1h30m"]),
        (["end", "default:nowhere", "--yes"], ["no such call"]),
    ],
    ids=["no such call", "no call id", "no time", "end of no call"],
)
def test_mistakes_are_told_with_their_remedy(calls, arguments: list[str], expected: list[str]) -> None:
    status, _, err = calls(*arguments)
    assert status == 1
    assert [text for text in expected if text not in err] == []
    assert "Traceback" not in err


def test_call_that_does_not_run_cannot_be_extended(calls, client) -> None:
    client.video.call("default", "waiting").create(data={"created_by_id": "ann"})
    status, _, err = calls("extend", "default:waiting", "60")
    assert status == 1
    assert "no-running-session" in err


def test_server_that_is_not_there_is_told(run, keys, free_port) -> None:
    status, _, err = run("calls", "list", "--url", f"http://127.0.0.1:{free_port}", **keys)
    assert status == 1
    assert "cannot be reached" in err
    assert "callclock serve" in err


def test_key_that_the_server_does_not_know_is_told(run, server) -> None:
    status, _, err = run("calls", "list", "--url", server.url, CALLCLOCK_KEYS="other:" + "x" * 40)
    assert status == 1
    assert "CALLCLOCK_KEYS" in err


def test_url_that_is_none_is_told(run, keys) -> None:
    status, _, err = run("calls", "list", "--url", "localhost:8000", **keys)
    assert status == 1
    assert "http://host:port" in err


@pytest.mark.parametrize(
    ("text", "seconds"), [("900", 900), ("15m", 900), ("1h30m", 5400), ("-5m", -300), ("+90s", 90)]
)
def test_times_are_read(text: str, seconds: int) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "soon", "1x", "5m later", "5mm"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(Trouble):
        parse_seconds(text)


def test_time_left_ticks_between_two_looks() -> None:
    session = Session.from_json(
        {
            "id": "s",
            "call_cid": "a:1",
            "started_at": "2026-11-23T13:00:00Z",
            "clock": {"state": "running", "remaining_seconds": 301.0},
        }
    )
    shown = [str(time_left(session, elapsed_seconds=seconds)) for seconds in (0, 1, 241, 400)]
    assert shown == ["05:01", "05:00 soon", "01:00 ending", "00:00 ending"]


def test_durations_are_clock_times() -> None:
    assert [duration(each) for each in (0, 59.2, 3599, 3600, -4)] == [
        "00:00",
        "01:00",
        "59:59",
        "1:00:00",
        "00:00",
    ]
