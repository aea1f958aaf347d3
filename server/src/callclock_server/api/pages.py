"""The web files: the telemedicine app under `/`, or a page that says how to build it."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

_ABSENT = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Callclock</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/docs/style.css"></head><body><main><h1>Callclock is running</h1>
<p>The web app is not built. Build it with <code>make web</code>, or set
<code>CALLCLOCK_WEB_DIR</code> to a folder that holds it, and start again.</p>
<p><a href="/docs">API documentation</a></p></main></body></html>"""
_ABSENT_CSP = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'"
_HASHED = "/assets/"
# A wrong address below these is a mistake of a program, which must not be answered with a page.
_NOT_PAGES = frozenset({"v1", "docs", "rtc", "twirp"})


def page_routes(folder: Path | None, *, media_urls: Sequence[str] = ()) -> list[BaseRoute]:
    """Serve `folder`; addresses without a file in it are the app's own and get its index page.

    `media_urls` are the origins of separate LiveKit servers, which pages must be allowed to reach.
    """
    if folder is None or not (folder / "index.html").is_file():

        async def absent(_request: Request) -> Response:
            return HTMLResponse(_ABSENT, headers={"Content-Security-Policy": _ABSENT_CSP})

        return [Route("/", absent)]
    root = folder.resolve()

    async def page(request: Request) -> Response:
        return _serve(root, request, media_urls=media_urls)

    return [Route("/{path:path}", page, methods=["GET", "HEAD"])]


def content_security_policy(request: Request, *, media_urls: Sequence[str]) -> str:
    """Scripts and styles of our own only; sockets to this host and to the media servers.

    Some browsers do not count ws: as 'self', so the host is named.
    """
    host = request.url.netloc
    connect = ["'self'", f"ws://{host}", f"wss://{host}"]
    for media_url in media_urls:
        rest = media_url.partition("://")[2]
        connect += [f"https://{rest}", f"wss://{rest}", f"http://{rest}", f"ws://{rest}"]
    parts = [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob: https:",
        "font-src 'self'",
        "media-src 'self' blob: mediastream:",
        "worker-src 'self' blob:",
        "manifest-src 'self'",
        f"connect-src {' '.join(connect)}",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
    return "; ".join(parts)


def _serve(root: Path, request: Request, *, media_urls: Sequence[str]) -> Response:
    path = request.path_params["path"]
    if path.partition("/")[0] in _NOT_PAGES:
        raise HTTPException(404)
    file = (root / path).resolve() if "\x00" not in path else root
    if not file.is_relative_to(root):
        return PlainTextResponse("Not found.", status_code=404)
    headers = {"Content-Security-Policy": content_security_policy(request, media_urls=media_urls)}
    if file.is_file():
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        lasting = f"/{path}".find(_HASHED) >= 0
        headers["Cache-Control"] = "public, max-age=31536000, immutable" if lasting else "no-cache"
        return FileResponse(file, media_type=kind, headers=headers)
    if "." in file.name and file != root:
        return PlainTextResponse("Not found.", status_code=404)
    headers["Cache-Control"] = "no-cache"
    return FileResponse(root / "index.html", media_type="text/html", headers=headers)
