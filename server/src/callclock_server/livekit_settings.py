"""Reads which LiveKit clusters there are: one URL, or several with names (`eu=wss://...,us=wss://...`).

Pure. A session is kept by the name of its cluster, so a name must go on meaning the same LiveKit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

DEFAULT_NAME = "default"
MIN_SECRET_LENGTH = 32  # LiveKit's own demand
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_NAMED = re.compile(r"\s*[a-z0-9][a-z0-9-]{0,31}=", re.IGNORECASE)
_SCHEMES = ("http://", "https://", "ws://", "wss://")


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """One LiveKit, a single node or many that share a Redis.

    `url` is what browsers use; at `control_url` this server reaches the room API.
    """

    name: str
    url: str
    control_url: str
    api_key: str
    api_secret: str


def read_clusters(
    *, url: str, control_url: str | None, api_key: str | None, api_secret: str | None
) -> tuple[ClusterSettings, ...]:
    """Return the clusters that four settings describe. Raises `ValueError` with a sentence.

    With named URLs the other settings are named in the same way, or one value that holds for all.
    """
    urls = _by_name(url, "CALLCLOCK_LIVEKIT_URL") if _NAMED.match(url) else {DEFAULT_NAME: _single(url)}
    several = bool(_NAMED.match(url))
    controls = _values(control_url, "CALLCLOCK_LIVEKIT_CONTROL_URL", urls, several=several, needed=False)
    keys = _values(api_key, "CALLCLOCK_LIVEKIT_API_KEY", urls, several=several)
    secrets = _values(api_secret, "CALLCLOCK_LIVEKIT_API_SECRET", urls, several=several)
    found = []
    for name, public in urls.items():
        if len(secrets[name]) < MIN_SECRET_LENGTH:
            raise ValueError(
                f"CALLCLOCK_LIVEKIT_API_SECRET: the secret{_of(name, several)} is shorter than the "
                f"{MIN_SECRET_LENGTH} characters that LiveKit asks for"
            )
        checked = _url(public, "CALLCLOCK_LIVEKIT_URL")
        control = _url(controls[name], "CALLCLOCK_LIVEKIT_CONTROL_URL") if name in controls else checked
        found.append(ClusterSettings(name, checked, control, keys[name], secrets[name]))
    return tuple(found)


def _single(url: str) -> str:
    if "," in url:
        raise ValueError(
            "CALLCLOCK_LIVEKIT_URL: several clusters need names that stay the same: "
            "eu=wss://eu.example.org,us=wss://us.example.org"
        )
    return url


def _values(
    text: str | None, setting: str, urls: Mapping[str, str], *, several: bool, needed: bool = True
) -> dict[str, str]:
    """One value for each cluster; a value without a name holds for all of them."""
    if not text:
        if needed:
            raise ValueError(f"CALLCLOCK_LIVEKIT_URL needs {setting} beside it")
        return {}
    if not several:
        return {DEFAULT_NAME: text.strip()}
    first = text.partition("=")[0].strip()
    if first not in urls:
        if "=" in text and "," in text:
            raise ValueError(_no_cluster(setting, first))
        if setting == "CALLCLOCK_LIVEKIT_CONTROL_URL":
            raise ValueError(
                "CALLCLOCK_LIVEKIT_CONTROL_URL: name the clusters as in CALLCLOCK_LIVEKIT_URL: eu=http://10.0.0.5:7880"
            )
        return dict.fromkeys(urls, text.strip())
    named = _by_name(text, setting)
    unknown = sorted(named.keys() - urls.keys())
    if unknown:
        raise ValueError(_no_cluster(setting, unknown[0]))
    missing = sorted(urls.keys() - named.keys())
    if missing and needed:
        raise ValueError(f"{setting}: there is none for the cluster {missing[0]!r}")
    return named


def _no_cluster(setting: str, name: str) -> str:
    """The sentence for a name without a cluster; what looks like one in a secret may be part of it."""
    told = "that is named here" if setting == "CALLCLOCK_LIVEKIT_API_SECRET" else repr(name)
    return f"{setting}: CALLCLOCK_LIVEKIT_URL names no cluster {told}"


def _by_name(text: str, setting: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, separator, value = part.partition("=")
        if not separator or not _NAME.fullmatch(name.strip()) or not value.strip():
            raise ValueError(
                f"{setting}: write name=value for each cluster, separated by commas; a name has small "
                "letters, digits and hyphens"
            )
        if name.strip() in found:
            raise ValueError(f"{setting}: the cluster {name.strip()!r} appears twice")
        found[name.strip()] = value.strip()
    return found


def _url(value: str, setting: str) -> str:
    if not value.startswith(_SCHEMES):
        raise ValueError(f"{setting}: must be a URL that starts with http://, https://, ws:// or wss://")
    if not names_host(value):
        raise ValueError(f"{setting}: {value} names no host, or a port that is no number")
    return value.rstrip("/")


def names_host(url: str) -> bool:
    """Return whether host and port of a URL can be read."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _of(name: str, several: bool) -> str:
    return f" of cluster {name!r}" if several else ""
