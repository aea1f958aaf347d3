"""The checked-in schemas: `python -m callclock_server.api.schema --write` or `--check`.

`openapi.json` describes the HTTP API, `events.schema.json` the event stream. Both lie beside the package's
`pyproject.toml`; SDK types are generated from them or tested against them.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from callclock_server.api.application import build_api
from callclock_server.api.problems import MEDIA_TYPE
from callclock_server.api.schemas.stream import FROM_CLIENT, FROM_SERVER

FOLDER = Path(__file__).resolve().parents[3]
OPENAPI_FILE = FOLDER / "openapi.json"
EVENTS_FILE = FOLDER / "events.schema.json"
_METHODS_WITH_KEY = frozenset({"post", "patch", "delete"})
_UNKEYED = frozenset({"queryCalls"})
_DESCRIPTION = (
    "Self-hosted video calls that end on time. Every answer is an object with `server_time`; every "
    "refusal is a problem (RFC 9457) with a stable `code`. Times are UTC, RFC 3339 with microseconds."
)
_IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key again, within a day, returns the first answer instead of doing it twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}


def openapi_schema(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description of an application's routes."""
    schema = get_openapi(
        title="Callclock",
        version="1",
        description=_DESCRIPTION,
        routes=app.routes,
        separate_input_output_schemas=False,
    )
    schema["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    }
    schema["security"] = [{"token": [], "apiKey": []}]
    schema["components"]["schemas"].pop("HTTPValidationError", None)
    schema["components"]["schemas"].pop("ValidationError", None)
    for operations in schema["paths"].values():
        for method, operation in operations.items():
            _finish(method, operation)
    return schema


def _finish(method: str, operation: dict[str, Any]) -> None:
    """Problems have a media type of their own; writes take an idempotency key."""
    for status, response in operation["responses"].items():
        content = response.get("content", {})
        if int(status) >= 400 and "application/json" in content:
            content[MEDIA_TYPE] = content.pop("application/json")
    if method in _METHODS_WITH_KEY and operation["operationId"] not in _UNKEYED:
        operation.setdefault("parameters", []).append(_IDEMPOTENCY)


def events_schema() -> dict[str, Any]:
    """JSON Schema of every message of the event stream."""
    models: list[type[BaseModel]] = [*FROM_CLIENT, *FROM_SERVER]
    _, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/$defs/{model}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "events.schema.json",
        "title": "Callclock event stream",
        "description": "JSON messages of the WebSocket /v1/events, one per frame. The first one is auth.",
        "oneOf": [{"$ref": f"#/$defs/{model.__name__}"} for model in models],
        "x-messages": {
            "client": [model.__name__ for model in FROM_CLIENT],
            "server": [model.__name__ for model in FROM_SERVER],
        },
        "$defs": definitions["$defs"],
    }


def rendered() -> dict[Path, str]:
    """The text of both files."""
    schemas = {OPENAPI_FILE: openapi_schema(build_api()), EVENTS_FILE: events_schema()}
    return {file: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for file, schema in schemas.items()}


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or check that they are current (exit status 1 when they are not)."""
    parser = argparse.ArgumentParser(description=__doc__)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--write", action="store_true", help="write the files")
    choice.add_argument("--check", action="store_true", help="fail when the files are not current")
    options = parser.parse_args(arguments)
    stale = False
    for file, text in rendered().items():
        if options.write:
            file.write_text(text)
        elif not file.exists() or file.read_text() != text:
            stale = True
            sys.stderr.write(f"{file.name} is not current: python -m callclock_server.api.schema --write\n")
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
