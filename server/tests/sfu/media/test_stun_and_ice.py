"""ICE-lite: STUN against aioice's implementation, credentials, mobility and consent."""

import pytest
from aioice import stun as reference
from callclock_server.sfu.media.ice import CONSENT_SECONDS, FIRST_CONTACT_SECONDS, IceLite
from callclock_server.sfu.media.stun import is_stun, pack_binding_request, parse_binding_request
from hypothesis import assume, given
from hypothesis import strategies as st

HERE, THERE = ("127.0.0.1", 1111), ("127.0.0.1", 2222)


def check(ice, *, pwd=None, ufrag=None, nominate=True):
    """A parsed check with this side's credentials or others."""
    data = pack_binding_request(
        bytes(12), username=f"{ufrag or ice.ufrag}:x", pwd=pwd or ice.pwd, use_candidate=nominate
    )
    request = parse_binding_request(data)
    assert request is not None
    return request


def test_check_of_another_implementation_is_answered_so_that_it_understands():
    ice = IceLite()
    message = reference.Message(reference.Method.BINDING, reference.Class.REQUEST)
    message.attributes["USERNAME"] = f"{ice.ufrag}:remote"
    message.attributes["PRIORITY"] = 1
    message.attributes["ICE-CONTROLLING"] = 2
    message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(ice.pwd.encode())
    assert is_stun(bytes(message))

    request = parse_binding_request(bytes(message))
    answer = reference.parse_message(ice.answer(request, address=HERE, now=0.0))

    assert answer.message_class == reference.Class.RESPONSE
    assert answer.transaction_id == message.transaction_id
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == HERE
    assert "FINGERPRINT" in answer.attributes
    assert ice.selected == HERE


def test_wrong_password_and_unknown_ufrag_get_no_answer():
    ice = IceLite()
    assert ice.answer(check(ice, pwd="wrong" * 5), address=HERE, now=0.0) is None
    assert ice.answer(check(ice, ufrag="stranger"), address=HERE, now=0.0) is None
    assert ice.selected is None
    assert ice.addresses == ()


def test_controlled_agent_is_told_of_the_conflict():
    ice = IceLite()
    message = reference.Message(reference.Method.BINDING, reference.Class.REQUEST)
    message.attributes["USERNAME"] = f"{ice.ufrag}:remote"
    message.attributes["ICE-CONTROLLED"] = 2
    message.add_message_integrity(ice.pwd.encode())
    answer = ice.answer(parse_binding_request(bytes(message)), address=HERE, now=0.0)
    assert reference.parse_message(answer).attributes["ERROR-CODE"][0] == 487


def test_old_credentials_hold_until_the_new_ones_are_used():
    ice = IceLite()
    old = check(ice)
    ufrag, pwd = ice.restart()
    assert (ufrag, pwd) == (ice.ufrag, ice.pwd)
    assert len(ice.ufrags) == 2
    assert ice.answer(old, address=HERE, now=0.0)

    assert ice.answer(check(ice), address=HERE, now=1.0)
    assert ice.ufrags == (ufrag,)
    assert ice.answer(old, address=HERE, now=2.0) is None


def test_client_that_moves_is_followed_when_it_nominates():
    ice = IceLite()
    ice.answer(check(ice), address=HERE, now=0.0)
    ice.answer(check(ice, nominate=False), address=THERE, now=1.0)
    assert ice.selected == HERE
    ice.answer(check(ice), address=THERE, now=2.0)
    assert ice.selected == THERE


def test_dead_path_is_left_for_a_live_one():
    ice = IceLite()
    ice.answer(check(ice), address=HERE, now=0.0)
    ice.answer(check(ice, nominate=False), address=THERE, now=6.0)
    assert ice.selected == THERE


def test_addresses_are_bounded_and_the_selected_one_is_kept():
    ice = IceLite()
    ice.answer(check(ice), address=HERE, now=0.0)
    for number in range(100):
        ice.answer(check(ice, nominate=False), address=("127.0.0.1", 3000 + number), now=0.1)
    assert len(ice.addresses) == 16
    assert ice.selected == HERE
    assert HERE in ice.addresses


def test_consent_expires_and_returns():
    ice = IceLite()
    assert ice.has_consent(1e9), "nothing is expected before the description is known"
    ice.start(0.0)
    assert ice.has_consent(FIRST_CONTACT_SECONDS)
    assert not ice.has_consent(FIRST_CONTACT_SECONDS + 0.1)
    ice.answer(check(ice), address=HERE, now=40.0)
    assert ice.has_consent(40.0 + CONSENT_SECONDS)
    assert not ice.has_consent(40.1 + CONSENT_SECONDS)


@given(st.integers(0, 60), st.integers(0, 255), st.binary(max_size=30))
def test_damaged_checks_are_never_accepted(position, value, tail):
    ice = IceLite()
    data = bytearray(pack_binding_request(bytes(12), username=f"{ice.ufrag}:x", pwd=ice.pwd))
    assume(data[position] != value or tail)
    data[position] = value
    damaged = bytes(data) + tail
    request = parse_binding_request(damaged) if is_stun(damaged) else None
    assert request is None or ice.answer(request, address=HERE, now=0.0) is None


@given(st.binary(max_size=100))
def test_any_bytes_can_be_looked_at(tail):
    data = b"\x00\x01" + len(tail).to_bytes(2, "big") + b"\x21\x12\xa4\x42" + bytes(12) + tail
    assert is_stun(data)
    request = parse_binding_request(data)
    assert request is None or not request.is_signed_with("x" * 24)


@pytest.mark.parametrize("data", [b"", b"\x00" * 19, b"\x16" + bytes(30), bytes(30)])
def test_other_protocols_are_not_stun(data):
    assert not is_stun(data)
