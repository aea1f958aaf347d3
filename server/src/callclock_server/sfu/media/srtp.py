"""SRTP and SRTCP (RFC 3711, RFC 7714) over libsrtp."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import pylibsrtp

_WINDOW = 1024
_Transform = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class SrtpKeys:
    """Master key and salt of one direction."""

    profile: SrtpProfile
    key_and_salt: bytes


@dataclass(frozen=True, slots=True)
class SrtpProfile:
    """A protection profile: OpenSSL's name, libsrtp's number, sizes in bytes."""

    name: bytes
    number: int
    key_size: int
    salt_size: int

    def split(self, material: bytes) -> tuple[SrtpKeys, SrtpKeys]:
        """Cut exported key material into the client's and the server's keys (RFC 5764 section 4.2)."""
        salts = material[2 * self.key_size :]
        return (
            SrtpKeys(self, material[: self.key_size] + salts[: self.salt_size]),
            SrtpKeys(
                self,
                material[self.key_size : 2 * self.key_size] + salts[self.salt_size : 2 * self.salt_size],
            ),
        )


def _available() -> tuple[SrtpProfile, ...]:
    policy = pylibsrtp.Policy
    wanted = (
        SrtpProfile(b"SRTP_AEAD_AES_128_GCM", policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
        SrtpProfile(b"SRTP_AEAD_AES_256_GCM", policy.SRTP_PROFILE_AEAD_AES_256_GCM, 32, 12),
        SrtpProfile(b"SRTP_AES128_CM_SHA1_80", policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
    )
    found = []
    for profile in wanted:
        try:
            policy(srtp_profile=profile.number)
        except pylibsrtp.Error:
            continue  # libsrtp was built without AES-GCM
        found.append(profile)
    return tuple(found)


PROFILES = _available()
"""What this build offers, best first: AES-GCM before AES-CM with its separate HMAC."""


class SrtpSession:
    """One direction of an association. All failures are ValueError."""

    def __init__(self, keys: SrtpKeys, *, inbound: bool) -> None:
        policy = pylibsrtp.Policy(
            key=keys.key_and_salt,
            ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND if inbound else pylibsrtp.Policy.SSRC_ANY_OUTBOUND,
            srtp_profile=keys.profile.number,
        )
        # A plain repeat of a lost packet (no RTX negotiated) is protected twice with the same index.
        policy.allow_repeat_tx = not inbound
        policy.window_size = _WINDOW
        self._session = pylibsrtp.Session(policy)
        self._protect: _Transform = self._session.protect
        self._unprotect: _Transform = self._session.unprotect
        self._protect_rtcp: _Transform = self._session.protect_rtcp
        self._unprotect_rtcp: _Transform = self._session.unprotect_rtcp

    def protect(self, packet: bytes) -> bytes:
        """Encrypt one RTP packet."""
        try:
            return self._protect(packet)
        except pylibsrtp.Error as exc:
            raise ValueError(f"SRTP: {exc}") from exc

    def unprotect(self, packet: bytes) -> bytes:
        """Decrypt one RTP packet; replays and forgeries raise ValueError."""
        try:
            return self._unprotect(packet)
        except pylibsrtp.Error as exc:
            raise ValueError(f"SRTP: {exc}") from exc

    def protect_rtcp(self, packet: bytes) -> bytes:
        """Encrypt one compound RTCP packet."""
        try:
            return self._protect_rtcp(packet)
        except pylibsrtp.Error as exc:
            raise ValueError(f"SRTCP: {exc}") from exc

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        """Decrypt one compound RTCP packet."""
        try:
            return self._unprotect_rtcp(packet)
        except pylibsrtp.Error as exc:
            raise ValueError(f"SRTCP: {exc}") from exc

    def forget(self, ssrc: int) -> None:
        """Free the state of an SSRC that is used no more."""
        with contextlib.suppress(pylibsrtp.Error):  # nothing was sent or received under it
            self._session.remove_stream(ssrc)
