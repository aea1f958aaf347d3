"""Let a session that nobody has reached begin on another media cluster."""

from __future__ import annotations

from callclock_server.storage import calls, outbox, sessions
from callclock_server.storage.database import Transaction


async def move_session(tx: Transaction, *, session_id: str, cluster: str) -> bool:
    """Pin the session to `cluster`; False when it is over, somebody is in its room, or it is there already.

    Its room on the old cluster is deleted as soon as that one answers again.
    """
    session = await sessions.get(tx, session_id)
    if session is not None:
        await calls.lock(tx, [session.cid])
        session = await sessions.get(tx, session_id)  # somebody may have reached it meanwhile
    if session is None or not session.running or session.reached_at is not None:
        return False
    if session.media_cluster == cluster:
        return False
    await sessions.set_cluster(tx, session_id=session_id, cluster=cluster)
    former = {"room": session_id, "cluster": session.media_cluster}
    await outbox.add(tx, kind=outbox.ROOM_DELETE, payload=former)
    await outbox.add(tx, kind=outbox.ROOM_ENSURE, payload={"room": session_id, "cluster": cluster})
    return True
