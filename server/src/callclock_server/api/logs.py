"""Logs as JSON lines on standard error, without tokens and secrets."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog

# A JWT anywhere, a token in a query string (LiveKit's clients send theirs so), an Authorization header.
_SECRETS = re.compile(
    r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"
    r"|(?<=access_token=)[^&\s\"']+|(?<=join_request=)[^&\s\"']+|(?<=Bearer )[\w.~+/-]+"
)
_HIDDEN_KEYS = frozenset({"token", "secret", "authorization", "api_secret", "password"})


def redact(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Structlog processor: hide what opens doors."""
    for key, value in event.items():
        if key.lower() in _HIDDEN_KEYS:
            event[key] = "[hidden]"
        elif isinstance(value, str):
            event[key] = _SECRETS.sub("[hidden]", value)
    return event


def configure_logging(level: str = "info") -> None:
    """Send structlog's and the standard library's records to standard error, one JSON object a line."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                structlog.processors.JSONRenderer(serializer=_serialize),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("aiosqlite", "alembic", "httpx", "httpcore", "aioice", "aiortc", "asyncio"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))


def _serialize(event: Any, **_options: Any) -> str:
    return orjson.dumps(event, default=repr).decode()
