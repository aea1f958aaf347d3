"""DTLS-SRTP (RFC 5764) as server, over pyOpenSSL with in-memory BIOs: no socket, no task, no clock.

All peers share one certificate and one context, so that a handshake costs about 0.5 ms of CPU in two
steps and can run between packets; making a context per peer would cost twenty times as much.
"""

from __future__ import annotations

import contextlib
import datetime
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from callclock_server.sfu.media.srtp import PROFILES, SrtpKeys, SrtpProfile

_CIPHERS = b":".join(
    (
        b"ECDHE-ECDSA-AES128-GCM-SHA256",
        b"ECDHE-ECDSA-CHACHA20-POLY1305",
        b"ECDHE-ECDSA-AES256-GCM-SHA384",
        b"ECDHE-ECDSA-AES128-SHA",
    )
)
_DTLS_1_2 = 0xFEFD
_MTU = 1200
_RECORD_HEADER = 13
_MAX_ATTEMPTS = 8
_EXPORTER_LABEL = b"EXTRACTOR-dtls_srtp"
_DIGESTS: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "sha-256": hashes.SHA256,
    "sha-384": hashes.SHA384,
    "sha-512": hashes.SHA512,
}


def _digest(certificate: x509.Certificate, algorithm: str) -> str:
    value = certificate.fingerprint(_DIGESTS[algorithm]())
    return ":".join(f"{byte:02X}" for byte in value)


def check_fingerprint(fingerprint: str) -> str:
    """Normalise "sha-256 AA:BB.."; raises ValueError for an algorithm or form that cannot be verified."""
    algorithm, _, value = fingerprint.strip().partition(" ")
    if algorithm.lower() not in _DIGESTS or not value:
        raise ValueError(f"unusable DTLS fingerprint: {fingerprint[:40]!r}")
    return f"{algorithm.lower()} {value.strip().upper()}"


class DtlsIdentity:
    """A fresh self-signed certificate and the TLS context that offers it."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _self_signed(key)
        self.fingerprint = f"sha-256 {_digest(certificate, 'sha-256')}"
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION)
        # Version 1.3 needs timers after the handshake; every browser speaks 1.2.
        context.set_min_proto_version(_DTLS_1_2)
        context.set_max_proto_version(_DTLS_1_2)
        # Certificates are self-signed; identity is the fingerprint from signalling (RFC 8122).
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        context.use_certificate(certificate)
        context.use_privatekey(key)
        context.set_cipher_list(_CIPHERS)
        context.set_tlsext_use_srtp(b":".join(profile.name for profile in PROFILES))
        self.context = context


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, secrets.token_hex(8))])
    now = datetime.datetime.now(tz=datetime.UTC)
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - datetime.timedelta(days=1),
        not_valid_after=now + datetime.timedelta(days=3650),
    )
    return builder.sign(key, hashes.SHA256())


@dataclass(frozen=True, slots=True)
class DtlsSecrets:
    """SRTP keys of both directions, seen from this side."""

    receive: SrtpKeys
    send: SrtpKeys


class DtlsEndpoint:
    """One DTLS association. Feed datagrams to `receive`; what is to be sent leaves by `transmit`.

    `state` is "new", "connected", "closed" (by the other side) or "failed".
    """

    def __init__(
        self, identity: DtlsIdentity, *, transmit: Callable[[bytes], None], server: bool = True
    ) -> None:
        self._identity = identity
        self._transmit = transmit
        self._server = server
        self._attempts = 0
        self._early: bytes | None = None
        self._expected_fingerprint = ""
        self.state = "new"
        self.secrets: DtlsSecrets | None = None
        self._begin()

    @property
    def expected_fingerprint(self) -> str:
        """Fingerprint of the client's certificate, from its description; empty until that is known."""
        return self._expected_fingerprint

    @expected_fingerprint.setter
    def expected_fingerprint(self, fingerprint: str) -> None:
        self._expected_fingerprint = fingerprint
        early, self._early = self._early, None
        if early is not None:
            self.receive(early)

    def _begin(self) -> None:
        self._ssl = SSL.Connection(self._identity.context)
        self._ssl.set_ciphertext_mtu(_MTU)
        self._attempts += 1
        if self._server:
            self._ssl.set_accept_state()
        else:
            self._ssl.set_connect_state()

    def connect(self) -> None:
        """Send the first flight of a client."""
        self._handshake()

    def receive(self, datagram: bytes) -> list[bytes]:
        """Take one datagram; returns the application data in it. Garbage is dropped without effect."""
        if self.state in ("closed", "failed"):
            return []
        if self._server and not self._expected_fingerprint:
            # A client that answers our offer begins before its answer is here: keep its first flight.
            self._early = datagram
            return []
        self._ssl.bio_write(datagram)
        if self.state == "new":
            self._handshake()
        return self._read() if self.state == "connected" else []

    def send(self, payload: bytes) -> None:
        """Send application data; dropped unless connected."""
        if self.state == "connected":
            self._ssl.send(payload)
            self._flush()

    def on_timer(self) -> None:
        """Repeat the last flight if its answer is overdue; call about every 50 ms during the handshake."""
        if self.state != "new":
            return
        seconds_left = self._ssl.DTLSv1_get_timeout()
        if seconds_left is not None and seconds_left <= 0:
            self._ssl.DTLSv1_handle_timeout()
            self._flush()

    def close(self) -> None:
        """Say goodbye (close_notify), so that the client need not wait for a timeout."""
        if self.state == "connected":
            with contextlib.suppress(SSL.Error):
                self._ssl.shutdown()
            self._flush()
        self.state = "closed"

    def _handshake(self) -> None:
        try:
            self._ssl.do_handshake()
        except SSL.WantReadError:
            self._flush()
            return
        except SSL.Error:
            self._flush()
            self._fail_attempt()
            return
        self._flush()
        self._verify()

    def _fail_attempt(self) -> None:
        # A forged datagram may spoil a handshake, which is not yet authenticated: let the client retry.
        if self._server and self._attempts < _MAX_ATTEMPTS:
            self._begin()
        else:
            self.state = "failed"

    def _verify(self) -> None:
        certificate = self._ssl.get_peer_certificate(as_cryptography=True)
        algorithm, _, value = self.expected_fingerprint.partition(" ")
        profile = next((p for p in PROFILES if p.name == self._ssl.get_selected_srtp_profile()), None)
        self.state = "failed"
        if certificate is None or profile is None or algorithm not in _DIGESTS:
            return
        if hmac.compare_digest(_digest(certificate, algorithm), value):
            self.secrets = self._derive(profile)
            self.state = "connected"

    def _derive(self, profile: SrtpProfile) -> DtlsSecrets:
        size = 2 * (profile.key_size + profile.salt_size)
        material = self._ssl.export_keying_material(_EXPORTER_LABEL, size)
        client, server = profile.split(material)
        return DtlsSecrets(client, server) if self._server else DtlsSecrets(server, client)

    def _read(self) -> list[bytes]:
        messages: list[bytes] = []
        while True:
            try:
                messages.append(self._ssl.recv(65536))
            except SSL.WantReadError:
                break
            except SSL.ZeroReturnError:
                self.state = "closed"
                break
            except SSL.Error:
                break
        self._flush()
        return messages

    def _flush(self) -> None:
        try:
            data = self._ssl.bio_read(65536)
        except SSL.Error:
            return
        for datagram in split_records(data):
            self._transmit(datagram)


def split_records(data: bytes) -> list[bytes]:
    """Cut a byte stream of DTLS records into datagrams of at most 1200 bytes.

    An in-memory BIO forgets where datagrams ended; records must not be torn (RFC 6347 section 4.1.1).
    """
    datagrams: list[bytes] = []
    position = 0
    while position < len(data):
        size = _RECORD_HEADER + int.from_bytes(data[position + 11 : position + 13], "big")
        record = data[position : position + size]
        if datagrams and len(datagrams[-1]) + len(record) <= _MTU:
            datagrams[-1] += record
        else:
            datagrams.append(record)
        position += size
    return datagrams
