"""Pages for people at `/docs`: the API, the event stream, and every error code with its meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from callclock_server.api.problems import STATUS, TITLES

CSP = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'"
STYLE = """
:root { color-scheme: light dark;
  --ink: #1b1f24; --paper: #fbfbf9; --quiet: #5c6670; --line: #d9dcdf; --accent: #0b6e6e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e9e6; --paper: #14181b; --quiet: #9aa4ad; --line: #333a40; --accent: #5cc8c0; }
}
body { font: 1rem/1.6 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  max-width: 56rem; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; } h2 { margin-top: 2.5rem; }
h3 { margin: 1.6rem 0 .2rem; font-size: 1rem; }
a { color: var(--accent); } code { font: .92em/1.5 ui-monospace, monospace; }
nav a { margin-right: 1rem; } p { margin: .3rem 0; } .quiet { color: var(--quiet); }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .4rem .8rem .4rem 0;
  border-bottom: 1px solid var(--line); vertical-align: top; }
""".strip()


def docs_routes(
    openapi: Callable[[], Mapping[str, Any]], events: Callable[[], Mapping[str, Any]]
) -> list[Route]:
    """Pages built from the two schemas, so that they cannot fall behind."""

    async def api(_request: Request) -> Response:
        return _page("The Callclock API", _operations(openapi()))

    async def errors(_request: Request) -> Response:
        return _page("Error codes", _errors())

    async def stream(_request: Request) -> Response:
        return _page("The event stream", _messages(events()))

    async def style(_request: Request) -> Response:
        return Response(STYLE, media_type="text/css")

    return [
        Route("/docs", api),
        Route("/docs/errors", errors),
        Route("/docs/events", stream),
        Route("/docs/style.css", style),
    ]


def _page(title: str, parts: Iterable[str]) -> HTMLResponse:
    head = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="stylesheet" href="/docs/style.css"></head><body>'
        '<nav><a href="/docs">API</a><a href="/docs/events">Event stream</a>'
        '<a href="/docs/errors">Error codes</a>'
        '<a href="/openapi.json">openapi.json</a></nav><main>'
    )
    html = f"{head}<h1>{escape(title)}</h1>{''.join(parts)}</main></body></html>"
    return HTMLResponse(html, headers={"Content-Security-Policy": CSP})


def _operations(openapi: Mapping[str, Any]) -> Iterable[str]:
    yield "<p>Send <code>Authorization: Bearer &lt;token&gt;</code> and <code>X-Api-Key</code>.</p>"
    by_tag: dict[str, list[str]] = {}
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            tag = (operation.get("tags") or ["Other"])[0]
            by_tag.setdefault(tag, []).append(
                f"<h3><code>{method.upper()} {escape(path)}</code></h3>"
                f"<p>{escape(operation.get('description', ''))}</p>"
                f'<p class="quiet">{escape(_details(operation))}</p>'
            )
    for tag, texts in by_tag.items():
        yield f"<h2>{escape(tag)}</h2>{''.join(texts)}"


def _details(operation: Mapping[str, Any]) -> str:
    content = (
        operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    )
    names = [part.get("$ref", "").rpartition("/")[2] for part in (content, *content.get("anyOf", ()))]
    body = next(filter(None, names), "")
    statuses = ", ".join(operation.get("responses", {}))
    return f"{operation.get('operationId', '')} · {'body ' + body + ' · ' if body else ''}answers {statuses}"


def _errors() -> Iterable[str]:
    yield "<p>Every refusal is a problem (RFC 9457) with a stable <code>code</code>. Decide by it.</p>"
    yield "<table><thead><tr><th>Code</th><th>Status</th><th>Meaning</th></tr></thead><tbody>"
    for code, status in STATUS.items():
        meaning = f"{escape(TITLES[code])}."
        yield f'<tr id="{code}"><td><code>{code}</code></td><td>{status}</td><td>{meaning}</td></tr>'
    yield "</tbody></table>"


def _messages(schema: Mapping[str, Any]) -> Iterable[str]:
    yield f"<p>{escape(schema['description'])}</p>"
    for side in ("client", "server"):
        yield f"<h2>From the {side}</h2>"
        for name in schema["x-messages"][side]:
            described = schema["$defs"][name]
            kinds = described["properties"]["type"]
            label = kinds.get("const") or ", ".join(kinds.get("enum", []))
            fields = ", ".join(field for field in described["properties"] if field != "type")
            yield f"<h3><code>{escape(label)}</code></h3><p>{escape(described.get('description', ''))}</p>"
            yield f'<p class="quiet">{escape(fields)}</p>'
