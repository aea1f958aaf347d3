"""Which LiveKit clusters there are, and which one a session is on."""

from __future__ import annotations

import pytest
from callclock_server.livekit_settings import read_clusters
from callclock_server.settings import Settings, SettingsError

from .fakes import FakeRooms, clusters_of

SECRET = "s" * 31 + "="


def read(url: str, key: str | None, secret: str | None, control: str | None = None) -> list[tuple[str, ...]]:
    found = read_clusters(url=url, control_url=control, api_key=key, api_secret=secret)
    return [(one.name, one.url, one.control_url, one.api_key, one.api_secret) for one in found]


def test_one_url_is_one_cluster() -> None:
    url = "wss://media.example"
    assert read(f"{url}/", "key", SECRET) == [("default", url, url, "key", SECRET)]
    inside = "http://10.0.0.5:7880"
    assert read(url, "key", SECRET, inside) == [("default", url, inside, "key", SECRET)]


def test_several_clusters_have_names_and_share_what_is_not_named() -> None:
    eu, us = "wss://eu.example", "wss://us.example"
    assert read(f"eu={eu}, us={us}", "eu=a,us=b", SECRET, "us=http://10.0.0.5:7880") == [
        ("eu", eu, eu, "a", SECRET),
        ("us", us, "http://10.0.0.5:7880", "b", SECRET),
    ]
    assert [one[4] for one in read(f"eu={eu},us={us}", "a", f"us=u{SECRET},eu={SECRET}")] == [
        SECRET,
        f"u{SECRET}",
    ]


@pytest.mark.parametrize(
    ("url", "key", "secret", "words"),
    [
        ("wss://a.example", None, SECRET, "needs CALLCLOCK_LIVEKIT_API_KEY"),
        ("wss://a.example", "k", None, "needs CALLCLOCK_LIVEKIT_API_SECRET"),
        ("wss://a.example", "k", "short", "shorter than the 32"),
        ("a.example", "k", SECRET, "must be a URL"),
        ("wss://a.example:many", "k", SECRET, "CALLCLOCK_LIVEKIT_URL: .* names no host, or a port"),
        ("wss://a.example,wss://b.example", "k", SECRET, "several clusters need names"),
        ("a=wss://a.example,a=wss://b.example", "k", SECRET, "'a' appears twice"),
        ("a=wss://a.example,b", "k", SECRET, "write name=value"),
        ("a=wss://a.example,b=wss://b.example", "a=k", SECRET, "there is none for the cluster 'b'"),
        ("a=wss://a.example,b=wss://b.example", "a=k,b=k,c=k", SECRET, "names no cluster 'c'"),
        ("a=wss://a.example,b=wss://b.example", "c=k,a=k", SECRET, "names no cluster 'c'"),
        ("a=wss://a.example,b=wss://b.example", "k", f"{SECRET},{SECRET}", "no cluster that is named here"),
        ("a=wss://a.example,b=wss://b.example", "k", f"a={SECRET},{SECRET}=", "no cluster that is named"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(
    url: str, key: str | None, secret: str | None, words: str
) -> None:
    environ = {"URL": url, "API_KEY": key or "", "API_SECRET": secret or ""}
    with pytest.raises(SettingsError, match=words) as raised:
        Settings.load(environ={f"CALLCLOCK_LIVEKIT_{name}": value for name, value in environ.items()})
    assert SECRET.rstrip("=") not in str(raised.value)


def test_a_key_without_a_url_is_a_mistake() -> None:
    with pytest.raises(SettingsError, match="CALLCLOCK_LIVEKIT_URL is missing"):
        Settings.load(environ={"CALLCLOCK_LIVEKIT_API_KEY": "k"})


def test_new_sessions_go_round_and_pass_over_what_cannot_be_used() -> None:
    clusters = clusters_of(one=FakeRooms(), two=FakeRooms(), three=FakeRooms())
    assert [clusters.next_for_new().name for _ in range(4)] == ["one", "two", "three", "one"]
    clusters.of("two").answers = False
    clusters.of("three").refused = "It refuses the key."
    assert {clusters.next_for_new().name for _ in range(3)} == {"one"}
    clusters.of("one").answers = False
    assert clusters.next_for_new().name == "one"
    assert clusters.all_refused == ""


def test_a_session_of_no_known_cluster_is_on_the_first() -> None:
    clusters = clusters_of(one=FakeRooms(), two=FakeRooms())
    assert [clusters.of(name).name for name in (None, "embedded", "two")] == ["one", "one", "two"]
