"""Which passwords are good enough, and that a stored one can be checked but not read."""

import pytest

from rental.identity.passwords import hash_password, password_matches, wants_new_hash
from rental.identity.rules import WeakPassword, require_good_password


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "identity.password_too_short"),
        ("elevenchars", "identity.password_too_short"),
        ("x" * 129, "identity.password_too_long"),
        ("password1234", "identity.password_common"),
        ("PasswordPassword", "identity.password_common"),
        ("qwertyuiop123", "identity.password_common"),
        ("aaaaaaaaaaaaaaa", "identity.password_common"),
        ("aaaabbbbccccdddd", "identity.password_common"),
        ("abcdabcdabcd", "identity.password_common"),
        ("password-2027!", "identity.password_common"),
        ("summer2026!!!", "identity.password_common"),
        ("ogawa-asuka1", "identity.password_own_name"),
    ],
)
def test_a_weak_password_is_refused_with_its_reason(password: str, code: str) -> None:
    with pytest.raises(WeakPassword) as refusal:
        require_good_password(password, email="ogawa@example.jp", name="Ogawa Asuka")
    assert refusal.value.code == code


@pytest.mark.parametrize(
    "password",
    ["tangled wire umbrella", "かばんのなかのたこやき五個", "v99uc-2k69t-8tu7b", "bridge lantern " * 8],
)
def test_any_characters_will_do(password: str) -> None:
    require_good_password(password, email="ogawa@example.jp", name="Ogawa")


def test_a_hash_opens_for_its_password_only() -> None:
    stored = hash_password("tangled wire umbrella")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert password_matches(stored, "tangled wire umbrella")
    assert not password_matches(stored, "tangled wire umbrellA")
    assert not password_matches(None, "no password opens this account")
    assert not password_matches("not a hash", "anything at all")
    assert not wants_new_hash(stored)


def test_two_keyboards_give_the_same_password() -> None:
    assert password_matches(hash_password("ガラスのはしご12"), "ガラスのはしご12")
