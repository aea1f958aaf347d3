"""DTLS, SRTP keys, and what the wrappers rely on in the libraries below."""

from __future__ import annotations

import time

import pytest
from callclock_server.sfu.media.dtls import DtlsEndpoint, DtlsIdentity, check_fingerprint, split_records
from callclock_server.sfu.media.srtp import PROFILES, SrtpKeys, SrtpSession
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

SERVER, CLIENT = DtlsIdentity(), DtlsIdentity()


class Pair:
    """A server and a client with a wire that can lose, between them."""

    def __init__(self, *, server_expects=CLIENT.fingerprint):
        self.to_server: list[bytes] = []
        self.to_client: list[bytes] = []
        self.server = DtlsEndpoint(SERVER, transmit=self.to_client.append)
        self.client = DtlsEndpoint(CLIENT, transmit=self.to_server.append, server=False)
        self.server.expected_fingerprint = server_expects
        self.client.expected_fingerprint = SERVER.fingerprint

    def exchange(self):
        """Carry datagrams until none is left; returns application data for the server."""
        received = []
        while self.to_server or self.to_client:
            waiting, self.to_server[:] = list(self.to_server), []
            for datagram in waiting:
                received += self.server.receive(datagram)
            waiting, self.to_client[:] = list(self.to_client), []
            for datagram in waiting:
                self.client.receive(datagram)
        return received

    def connect(self):
        """Shake hands; on a machine that stands still for a second the timers have to help."""
        self.client.connect()
        self.exchange()
        for _ in range(40):
            if "new" not in (self.server.state, self.client.state):
                break
            time.sleep(0.1)
            self.server.on_timer()
            self.client.on_timer()
            self.exchange()
        return self


def test_both_sides_derive_the_same_keys():
    pair = Pair().connect()
    assert pair.server.state == pair.client.state == "connected"
    assert pair.server.secrets.send == pair.client.secrets.receive
    assert pair.server.secrets.receive == pair.client.secrets.send
    assert pair.server.secrets.send != pair.server.secrets.receive
    assert b"GCM" in pair.server.secrets.send.profile.name


def leave_error_behind():
    """Put an error into the thread's queue, as an operation on another connection may do."""
    SSL._lib.ERR_put_error(SSL._lib.ERR_LIB_EVP, 0, 100, b"elsewhere", 1)


def test_errors_left_behind_by_others_spoil_neither_handshake_nor_data():
    pair = Pair()
    pair.client.connect()
    while pair.to_server or pair.to_client:
        for datagram in [pair.to_server.pop(0) for _ in list(pair.to_server)]:
            leave_error_behind()
            pair.server.receive(datagram)
        for datagram in [pair.to_client.pop(0) for _ in list(pair.to_client)]:
            pair.client.receive(datagram)
    assert pair.server.state == pair.client.state == "connected"
    leave_error_behind()
    pair.client.send(b"data")
    assert pair.exchange() == [b"data"]
    SSL._lib.ERR_clear_error()


def test_application_data_arrives():
    pair = Pair().connect()
    pair.client.send(b"one")
    pair.client.send(b"two")
    assert pair.exchange() == [b"one", b"two"]


@pytest.mark.parametrize("expected", ["sha-256 00:11", SERVER.fingerprint])
def test_certificate_other_than_announced_is_refused(expected):
    pair = Pair(server_expects=expected).connect()
    assert pair.server.state == "failed"
    assert pair.server.secrets is None


def test_client_that_begins_before_its_fingerprint_is_known_gets_through():
    pair = Pair(server_expects="").connect()
    assert pair.server.state == "new"
    pair.server.expected_fingerprint = CLIENT.fingerprint
    pair.exchange()
    assert pair.server.state == pair.client.state == "connected"


def test_goodbye_is_heard():
    pair = Pair().connect()
    pair.client.close()
    pair.exchange()
    assert pair.server.state == "closed"
    assert pair.server.receive(b"\x16" + bytes(40)) == []


def test_lost_flight_is_repeated_by_timer(monkeypatch):
    pair = Pair()
    pair.client.connect()
    for datagram in pair.to_server:
        pair.server.receive(datagram)
    pair.to_server.clear()
    lost = list(pair.to_client)
    pair.to_client.clear()
    pair.server.on_timer()
    assert pair.to_client == [], "not before its time"

    connection = pair.server._ssl
    monkeypatch.setattr(connection, "DTLSv1_get_timeout", lambda: 0.0, raising=False)
    repeated = []
    monkeypatch.setattr(connection, "DTLSv1_handle_timeout", lambda: repeated.append(1), raising=False)
    pair.server.on_timer()
    assert repeated
    pair.to_client[:] = lost
    pair.exchange()
    assert pair.server.state == "connected"


@given(st.binary(min_size=1, max_size=200))
def test_garbage_changes_nothing_of_a_connection(garbage):
    pair = Pair().connect()
    for first in (20, 21, 22, 23, 63):
        assert pair.server.receive(bytes((first,)) + garbage) == []
        assert pair.server.receive(bytes((first, 0xFE, 0xFD)) + bytes(8) + garbage) == []
    pair.to_client.clear()
    assert pair.server.state == "connected"
    pair.client.send(b"still here")
    assert pair.exchange() == [b"still here"]


def test_forged_handshake_does_not_keep_the_client_out():
    pair = Pair()
    forged = b"\x16\xfe\xfd" + bytes(8) + b"\x00\x10" + b"\x14" + bytes(15)
    pair.server.receive(forged)
    pair.server.receive(b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28")
    pair.to_client.clear()
    pair.connect()
    assert pair.server.state == "connected"


def test_records_are_never_torn():
    records = [
        b"\x16\xfe\xfd" + bytes(8) + size.to_bytes(2, "big") + bytes(size) for size in (700, 400, 700, 5)
    ]
    datagrams = split_records(b"".join(records))
    assert datagrams == [records[0] + records[1], records[2] + records[3]]
    assert split_records(b"") == []


@pytest.mark.parametrize("text", ["", "sha-256", "md5 AA:BB", "sha-1 AA:BB"])
def test_weak_or_broken_fingerprints_are_refused(text):
    with pytest.raises(ValueError, match="fingerprint"):
        check_fingerprint(text)


def test_fingerprints_are_normalised():
    assert check_fingerprint(" SHA-256 aa:bb ") == "sha-256 AA:BB"


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name.decode())
def test_every_profile_protects_and_refuses_replays(profile):
    client, server = profile.split(bytes(range(2 * (profile.key_size + profile.salt_size))))
    assert client != server
    tx, rx = SrtpSession(client, inbound=False), SrtpSession(client, inbound=True)
    packet = b"\x80\x60\x00\x01" + bytes(8) + b"media"
    protected = tx.protect(packet)
    assert rx.unprotect(protected) == packet
    assert tx.protect(packet) == protected, "a repeat is allowed and identical"
    with pytest.raises(ValueError, match="replay"):
        rx.unprotect(protected)
    report = b"\x80\xc9\x00\x01" + bytes(4)
    assert rx.unprotect_rtcp(tx.protect_rtcp(report)) == report
    rx.forget(0)
    rx.forget(12345)


@given(st.binary(max_size=1600))
def test_forgeries_raise_value_error(data):
    keys = SrtpKeys(PROFILES[0], bytes(PROFILES[0].key_size + PROFILES[0].salt_size))
    session = SrtpSession(keys, inbound=True)
    for step in (session.unprotect, session.unprotect_rtcp):
        with pytest.raises(ValueError):
            step(data)
