"""The people of the demo company, let in through the same use cases as real ones."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rental.core.uow import UnitOfWork
from rental.demo.sizes import SIZES, Profile
from rental.identity.accounts import invite_account, set_up_account
from rental.identity.passwords import hash_password
from rental.identity.permissions import Role

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody invented, with a mail address that can never exist."""

    name: str
    email: str
    role: Role


ONE_OF_EACH = (
    DemoPerson("小川 明日香", "ogawa@example.jp", Role.ADMINISTRATOR),
    DemoPerson("森川 拓海", "morikawa@example.jp", Role.SALES),
    DemoPerson("石田 千尋", "ishida@example.jp", Role.WAREHOUSE),
    DemoPerson("野口 真央", "noguchi@example.jp", Role.DISPATCHER),
    DemoPerson("あおば 蓮", "t01@example.jp", Role.TECHNICIAN),
    DemoPerson("三浦 詩織", "miura@example.jp", Role.BILLING),
    DemoPerson("喫茶みどり（デモ）", "midori@example.jp", Role.CUSTOMER),
)
_MORE_TECHNICIANS = (
    "いぶき 翔",
    "うみ 陽菜",
    "えだ 大和",
    "おぎ 美咲",
    "かえで 悠斗",
    "きり 結衣",
    "くぬぎ 颯太",
    "けやき 莉子",
    "こずえ 直樹",
    "さくら 健太",
    "しらかば 彩",
    "すぎ 隼人",
    "せり 協力会社",
)


def technician_email(number: int) -> str:
    """How the technician with this number of the design signs in."""
    return f"t{number:02}@example.jp"


def demo_people(profile: Profile) -> Sequence[DemoPerson]:
    """One person per role, then technicians: 4 in all for S, 14 for M."""
    more = _MORE_TECHNICIANS[: SIZES[profile].technicians - 1]
    technicians = [
        DemoPerson(name, technician_email(number), Role.TECHNICIAN) for number, name in enumerate(more, 2)
    ]
    return (*ONE_OF_EACH, *technicians)


def load_people(uow: UnitOfWork, profile: Profile) -> dict[str, str]:
    """Lets everybody in and sets up their accounts; returns the password of each e-mail."""
    uow.because("demo company")
    passwords = {}
    for person in demo_people(profile):
        invitation = invite_account(
            uow, email=person.email, name=person.name, roles=frozenset({person.role}), language="ja"
        )
        passwords[person.email] = password = _random_password()
        set_up_account(uow, invitation.token, hash_password(password))
    return passwords


def keep_passwords(home: Path, passwords: dict[str, str]) -> None:
    """Only this installation knows its demo passwords, and only its owner reads them."""
    place = home / "demo_passwords.json"
    place.touch(mode=0o600)
    place.chmod(0o600)
    place.write_text(json.dumps(passwords, indent=1), encoding="utf-8")


def kept_sign_ins(home: Path) -> list[dict[str, str]]:
    """One sign-in per role; none when no demo company was loaded here."""
    place = home / "demo_passwords.json"
    if not place.exists():
        return []
    passwords = json.loads(place.read_text(encoding="utf-8"))
    return [
        {"role": person.role.value, "email": person.email, "password": passwords[person.email]}
        for person in ONE_OF_EACH
        if person.email in passwords
    ]


def _random_password() -> str:
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(3))
