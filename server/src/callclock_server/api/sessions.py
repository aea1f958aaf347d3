"""Sessions of a call, their ledgers and records. Whoever may read the call may read them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Query, Response

from callclock_server.api.calls import PATH
from callclock_server.api.record_csv import render_csv
from callclock_server.api.routing import ActorOf, CallOf, EdgeOf, problems, router
from callclock_server.api.schemas import answers
from callclock_server.api.schemas.fields import Id
from callclock_server.api.transaction import Body
from callclock_server.api.users import Cursor, Limit
from callclock_server.calls import read, verifying
from callclock_server.storage.database import Transaction

routes = router("Sessions")
SessionId = Annotated[Id, Path(description="The session's id.")]
SIGNATURE_HEADER = "X-Callclock-Record-Signature"
_CSV = {"text/csv": {"schema": {"type": "string"}}}
_SIGNED = {
    "description": "With CSV: the signature over the body, `algorithm=...; key_id=...; value=...`.",
    "schema": {"type": "string"},
}
SESSION_PATH = f"{PATH}/sessions/{{session_id}}"


@routes.get(f"{PATH}/sessions", response_model=answers.SessionsPage, responses=problems(404))
async def list_sessions(
    edge: EdgeOf,
    by: ActorOf,
    call: CallOf,
    limit: Limit = 25,
    next: Cursor = None,  # noqa: A002
) -> Response:
    """List a call's sessions, newest first."""

    async def deed(tx: Transaction) -> Body:
        page = await read.list_sessions(tx, by, type=call.type, id=call.id, limit=limit, next=next)
        return {"sessions": page.items, "next": page.next}

    return await edge.transactions.read(by, deed)


@routes.get(SESSION_PATH, response_model=answers.SessionAnswer, responses=problems(404))
async def get_session(edge: EdgeOf, by: ActorOf, call: CallOf, session_id: SessionId) -> Response:
    """Get a session."""

    async def deed(tx: Transaction) -> Body:
        return {"session": await read.get_session(tx, by, type=call.type, id=call.id, session_id=session_id)}

    return await edge.transactions.read(by, deed)


@routes.get(f"{SESSION_PATH}/ledger", response_model=answers.LedgerAnswer, responses=problems(404))
async def get_ledger(edge: EdgeOf, by: ActorOf, call: CallOf, session_id: SessionId) -> Response:
    """Get every change of a session's deadline; their seconds sum up to it."""

    async def deed(tx: Transaction) -> Body:
        return {"ledger": await read.get_ledger(tx, by, type=call.type, id=call.id, session_id=session_id)}

    return await edge.transactions.read(by, deed)


@routes.get(
    f"{SESSION_PATH}/record",
    response_model=answers.RecordAnswer,
    responses={**problems(404), 200: {"content": _CSV, "headers": {SIGNATURE_HEADER: _SIGNED}}},
)
async def get_record(
    edge: EdgeOf,
    by: ActorOf,
    call: CallOf,
    session_id: SessionId,
    format: Annotated[  # noqa: A002
        Literal["json", "csv"], Query(description="JSON, or the same as CSV rows.")
    ] = "json",
) -> Response:
    """Get what a session was: times, presence and the ledger, signed.

    The signature is made with one of the keys at `/.well-known/callclock-record-keys.json`.
    """
    signed: Body = {}

    async def deed(tx: Transaction) -> Body:
        record = await read.get_record(tx, by, type=call.type, id=call.id, session_id=session_id)
        signed.update(tx.sign(record))
        return signed

    response = await edge.transactions.read(by, deed)
    if format == "json":
        return response
    text = render_csv(signed["record"])
    headers = {SIGNATURE_HEADER: edge.signer.sign_csv(text)}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


@routes.get(
    f"{SESSION_PATH}/verification", response_model=answers.VerificationAnswer, responses=problems(404)
)
async def verify_record(edge: EdgeOf, by: ActorOf, call: CallOf, session_id: SessionId) -> Response:
    """Recompute the record from the ledger and the event log, and tell where it differs."""

    async def deed(tx: Transaction) -> Body:
        differences = await verifying.verify_record(tx, by, type=call.type, id=call.id, session_id=session_id)
        return {"matches": not differences, "differences": differences}

    return await edge.transactions.read(by, deed)
