"""The client-to-server half of a negotiation: offered sections that send become publications."""

from __future__ import annotations

from callclock_server.sfu.codecs import (
    answered_extensions,
    placeholder_codecs,
    publish_codecs,
    receive_extensions,
)
from callclock_server.sfu.media import Codec, Kind, Peer, ReceiveSpec
from callclock_server.sfu.publishing import Publication, Publishing
from callclock_server.sfu.sdp import Section
from callclock_server.sfu.sdp_writer import LocalSection


class Upstream:
    """Sections of one peer in which the client sends.

    A section whose publication was cut stays inactive until the client stops offering it, so that
    a track which lost its grant cannot come back through the section it had.
    """

    def __init__(self, peer: Peer, publishing: Publishing) -> None:
        self._peer = peer
        self._publishing = publishing
        self._bound: dict[str, Publication] = {}
        self._cut: set[str] = set()

    def answer(self, section: Section, kind: Kind) -> LocalSection | None:
        """Answer one offered media section; None when the client does not send in it."""
        bound = self._bound.get(section.mid)
        if bound is not None and (not section.sends or _is_other_track(section, bound)):
            del self._bound[section.mid]
            self._publishing.unpublish(bound)
            bound = None
        if not section.sends:
            self._cut.discard(section.mid)
            return None
        if section.mid in self._cut:
            return unused(section, kind)
        publication = bound or self._publishing.match(section, kind)
        if publication is None:
            return unused(section, kind)
        codecs = publish_codecs(
            section,
            kind,
            preferred=publication.preferred_codec,
            dtx=not publication.info.disable_dtx,
            stereo=publication.info.stereo,
        )
        if not codecs:
            return LocalSection(kind=kind, mid=section.mid, rejected=True)
        if bound is None:
            self._go_live(publication, section, kind, codecs)
        return LocalSection(
            kind=kind,
            mid=section.mid,
            direction="recvonly",
            codecs=codecs,
            extensions=answered_extensions(section, kind),
            receive_rids=section.rids,
        )

    def _go_live(
        self, publication: Publication, section: Section, kind: Kind, codecs: tuple[Codec, ...]
    ) -> None:
        up = self._peer.receive(
            ReceiveSpec(
                kind=kind,
                mid=section.mid,
                codecs=codecs,
                extensions=receive_extensions(section, kind),
                ssrcs=() if section.rids else section.ssrcs,
                rtx_ssrcs=section.rtx_ssrcs,
                rids=section.rids,
            )
        )

        def release() -> None:
            self._peer.stop_receiving(up)
            if self._bound.pop(section.mid, None) is not None:
                self._cut.add(section.mid)

        self._bound[section.mid] = publication
        mime_type = f"{kind}/{codecs[0].name}"
        publication.go_live(up, section=section, mime_type=mime_type, release=release)
        self._publishing.went_live(publication)


def unused(section: Section, kind: Kind) -> LocalSection:
    """The answer to a section that carries nothing: inactive but usable later, or rejected."""
    codecs = placeholder_codecs(section, kind)
    if section.port == 0 or not codecs:
        return LocalSection(kind=section.kind, mid=section.mid, rejected=True)
    extensions = answered_extensions(section, kind)
    return LocalSection(kind=kind, mid=section.mid, codecs=codecs, extensions=extensions)


def _is_other_track(section: Section, publication: Publication) -> bool:
    return bool(section.track_id) and section.track_id != publication.sdp_track_id
