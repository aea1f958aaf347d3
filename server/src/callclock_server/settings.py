"""The one settings class of the server.

A `Settings` value is plain data: building one reads nothing. `Settings.load` is what the command
line calls; it takes the environment as an argument, so that only the entry point touches the real
one. Precedence: explicit values, then the environment (`CALLCLOCK_...`), then the file, then defaults.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from callclock_server.livekit_settings import ClusterSettings, names_host, read_clusters

PREFIX = "CALLCLOCK_"
CONFIG_FILE_VARIABLE = "CALLCLOCK_CONFIG"
MIN_SECRET_LENGTH = 16
RECORD_KEY_BYTES = 32


class SettingsError(Exception):
    """The configuration cannot be used; the message says which setting is wrong and why."""


class Settings(BaseModel):
    """Everything that an operator may choose. Field `port` is `CALLCLOCK_PORT`, and so on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(
        "127.0.0.1", description="Address on which the HTTP port listens; `0.0.0.0` for all of them."
    )
    port: int = Field(
        8000, ge=1, le=65535, description="The one HTTP port: API, event stream, media signalling."
    )
    public_url: str | None = Field(
        None, description="URL under which browsers reach this server, without path."
    )
    keys: dict[str, str] = Field(
        default_factory=dict, description="API keys and their secrets, `key:secret,key2:secret2`."
    )
    database_url: str | None = Field(
        None,
        description="Database, such as `postgresql://user:password@host/name`; "
        "without it a SQLite file in the data folder.",
    )
    database_pool_size: int = Field(
        10, ge=2, le=1000, description="Connections that one server keeps to PostgreSQL at most."
    )
    data_dir: Path = Field(Path("callclock-data"), description="Folder of the embedded database.")
    redis_url: str | None = Field(None, description="Redis for hints between several servers.")
    redis_prefix: str = Field(
        "callclock",
        pattern=r"^[A-Za-z0-9_.:\-]{1,64}$",
        description="Beginning of all channel names, for deployments that share a Redis.",
    )
    livekit_url: str | None = Field(
        None,
        description="URL of a LiveKit as browsers reach it, or several as `name=url,name2=url2`; without it "
        "the embedded media is used.",
    )
    livekit_control_url: str | None = Field(
        None,
        description="Where this server reaches LiveKit, if elsewhere; in the same form.",
    )
    livekit_api_key: str | None = Field(None, description="LiveKit's API key, one for all or `name=key,...`.")
    livekit_api_secret: str | None = Field(None, description="Its secret, in the same form.")
    media_host: str = Field(
        "0.0.0.0",  # noqa: S104 - media must reach every interface
        description="Address on which the embedded media's UDP port listens.",
    )
    media_port: int = Field(
        0, ge=0, le=65535, description="UDP port of the embedded media; 0 takes a free one."
    )
    media_addresses: tuple[str, ...] = Field(
        (), description="IP addresses offered to browsers; empty offers loopback and every interface."
    )
    media_token_ttl_seconds: int = Field(
        600,
        ge=30,
        le=86_400,
        description="How long a media token lets its holder into a room. Who is inside already stays.",
    )
    cors_origins: tuple[str, ...] = Field((), description="Other origins whose pages may call the API.")
    record_keys: tuple[str, ...] = Field(
        (),
        description="Ed25519 keys that sign records, 32 bytes in base64url each; the first one signs, the "
        "public halves of all are told. Empty derives them from the API secrets.",
    )
    web_dir: Path | None = Field(None, description="Folder of the built telemedicine app.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="From which level on lines go to the log, on standard error, as JSON."
    )
    migrate: bool | None = Field(
        None, description="Migrate the database at start; default: only when it is SQLite."
    )
    drain_seconds: int = Field(
        20,
        ge=1,
        le=3600,
        description="The longest time that a stop may take: clients move elsewhere, requests finish.",
    )
    reconcile_seconds: float = Field(
        10.0, gt=0, description="How often presence is compared with the media rooms."
    )

    @field_validator("keys", mode="before")
    @classmethod
    def _split_keys(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        pairs: dict[str, str] = {}
        for part in filter(None, (piece.strip() for piece in value.split(","))):
            key, separator, secret = part.partition(":")
            if not separator or not key.strip() or not secret.strip():
                raise ValueError("write keys as key:secret, several separated by commas")
            if key.strip() in pairs:
                raise ValueError(f"the key {key.strip()!r} appears twice")
            pairs[key.strip()] = secret.strip()
        return pairs

    @field_validator("media_addresses", "cors_origins", "record_keys", mode="before")
    @classmethod
    def _split_list(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(piece.strip() for piece in value.split(",") if piece.strip())
        return value

    @field_validator("public_url")
    @classmethod
    def _check_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not value.startswith(("http://", "https://", "ws://", "wss://")):
            raise ValueError("must be a URL that starts with http://, https://, ws:// or wss://")
        if not names_host(value):
            raise ValueError(f"{value} names no host, or a port that is no number")
        return value.rstrip("/")

    @field_validator("redis_url")
    @classmethod
    def _check_redis_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must be a URL that starts with redis://, rediss:// or unix://")
        try:
            _ = urlsplit(value).port
        except ValueError:
            # Python would name the port, which is part of the password when that was not escaped.
            raise ValueError(
                "host and port cannot be read; in a password write / as %2F, # as %23, ? as %3F, @ as %40"
            ) from None
        return value

    @field_validator("record_keys")
    @classmethod
    def _check_record_keys(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for number, text in enumerate(value, start=1):
            if len(_from_base64url(text)) != RECORD_KEY_BYTES:
                raise ValueError(
                    f"key {number} is not 32 bytes in base64url: callclock keys record makes one"
                )
        return value

    @field_validator("keys")
    @classmethod
    def _check_secrets(cls, value: dict[str, str]) -> dict[str, str]:
        for key, secret in value.items():
            if len(secret) < MIN_SECRET_LENGTH:
                raise ValueError(f"the secret of key {key!r} is shorter than {MIN_SECRET_LENGTH} characters")
        return value

    @model_validator(mode="after")
    def _check_livekit(self) -> Settings:
        if self.livekit_url:
            _ = self.livekit_clusters  # raises where they cannot be read
        elif self.livekit_control_url or self.livekit_api_key or self.livekit_api_secret:
            raise ValueError("CALLCLOCK_LIVEKIT_URL is missing, though other LiveKit settings are there")
        return self

    @classmethod
    def load(
        cls,
        *,
        environ: Mapping[str, str],
        file: Path | None = None,
        **overrides: Any,
    ) -> Settings:
        """Combine overrides, environment and file. Raises `SettingsError` with a readable sentence."""
        named = environ.get(CONFIG_FILE_VARIABLE)
        if file is None and named:
            file = Path(named)
        values = _from_file(file) if file is not None else {}
        values |= _from_environment(environ)
        values |= {name: value for name, value in overrides.items() if value is not None}
        try:
            return cls(**values)
        except ValidationError as exc:
            raise SettingsError(_sentence(exc)) from exc

    @property
    def production_sign(self) -> str | None:
        """What shows that people depend on this server, in words; None when nothing does."""
        if self.database_url is not None and not self.database_url.startswith("sqlite"):
            return "CALLCLOCK_DATABASE_URL names a database server"
        if self.redis_url is not None:
            return "CALLCLOCK_REDIS_URL is set"
        if self.livekit_url is not None:
            return "CALLCLOCK_LIVEKIT_URL is set"
        if not _is_loopback(self.host):
            return f"CALLCLOCK_HOST is {self.host or 'every address'}, which others can reach"
        if self.public_url is not None and not _is_loopback(urlsplit(self.public_url).hostname or ""):
            return f"CALLCLOCK_PUBLIC_URL is {self.public_url}, which others can reach"
        return None

    @property
    def embedded_media(self) -> bool:
        """Whether this process runs its own media room server."""
        return self.livekit_url is None

    @property
    def loopback_url(self) -> str:
        """URL at which this process reaches its own HTTP port."""
        everywhere = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104
        host = everywhere.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def effective_database_url(self) -> str:
        """The database URL, or that of the SQLite file in the data folder."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir.absolute() / 'callclock.db'}"

    @property
    def migrates_at_start(self) -> bool:
        """Whether the server may change the database schema by itself."""
        if self.migrate is not None:
            return self.migrate
        return self.effective_database_url.startswith("sqlite")

    @property
    def has_others(self) -> bool:
        """Whether other processes may share the work: the embedded database has one process only."""
        return not self.effective_database_url.startswith("sqlite")

    @property
    def livekit_clusters(self) -> tuple[ClusterSettings, ...]:
        """The configured LiveKit clusters; none with the embedded media."""
        if self.livekit_url is None:
            return ()
        return read_clusters(
            url=self.livekit_url,
            control_url=self.livekit_control_url,
            api_key=self.livekit_api_key,
            api_secret=self.livekit_api_secret,
        )

    @property
    def embedded_credentials(self) -> tuple[str, str]:
        """Key and secret of the embedded media.

        They are derived from the first API secret by HMAC-SHA256, so that they survive a restart, need no
        configuration and reveal nothing about the secret.
        """
        secret = next(iter(self.keys.values()), "")
        return "callclock-media", hmac.new(secret.encode(), b"callclock media", hashlib.sha256).hexdigest()

    @property
    def record_key_seeds(self) -> tuple[bytes, ...]:
        """The secret keys of records, the signing one first: the configured ones, or one for each API key.

        Those are derived from the API secrets by HMAC-SHA256: a record can be verified by anybody, and be
        forged by those who hold the secret.
        """
        if self.record_keys:
            return tuple(_from_base64url(text) for text in self.record_keys)
        return tuple(
            hmac.digest(secret.encode(), b"callclock record signature", "sha256")
            for secret in self.keys.values()
        )


def _from_base64url(text: str) -> bytes:
    """The bytes of a text; none for one that is no base64url."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: environ[PREFIX + name.upper()]
        for name in Settings.model_fields
        if environ.get(PREFIX + name.upper(), "") != ""
    }


def _from_file(file: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(file.read_text())
    except FileNotFoundError as exc:
        raise SettingsError(f"the settings file {file} does not exist") from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"the settings file {file} cannot be read: {exc}") from exc
    except tomllib.TOMLDecodeError as exc:
        raise SettingsError(f"the settings file {file} is not TOML: {exc}") from exc
    return values


def _sentence(exc: ValidationError) -> str:
    parts = []
    for error in exc.errors(include_input=False, include_url=False):
        name = ".".join(str(piece) for piece in error["loc"])
        text = error["msg"].removeprefix("Value error, ")
        parts.append(f"{PREFIX}{name.upper()}: {text}" if name else text)
    return "; ".join(parts)
