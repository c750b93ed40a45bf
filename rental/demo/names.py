"""Invented names: words of nature joined with a trade. None of them is meant to be anybody."""

import json
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from random import Random
from typing import NamedTuple

from rental.customers.rules import CustomerKind

DEMO = "（デモ）"


class Name(NamedTuple):
    """As it is written, and as it is read."""

    written: str
    read: str


_WORDS = json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8"))
# How a company of the trade calls itself; nothing stands for a person's own business.
_FORMS = {
    "cafe": ("株式会社", "株式会社", "合同会社", ""),
    "restaurant": ("株式会社", "株式会社", "有限会社", ""),
    "retail": ("株式会社", "株式会社", "合同会社", ""),
    "office": ("株式会社", "株式会社", "株式会社", "合同会社"),
    "clinic": ("医療法人社団", "株式会社", "株式会社", ""),
}

BUILDINGS = ("", "", "", "第二ビル 1階", "駅前ビル 3階", "中央ビル 5階", "タワー 12階", "モール 2階")


class Firm(NamedTuple):
    """A customer's names: as it signs contracts, as it is known, and whether it is a company."""

    legal: Name
    brand: Name
    kind: CustomerKind


def firms_of(trade: str, chance: Random) -> Iterator[Firm]:
    """Names for a trade, none of them twice."""
    every = list(product(_names(_WORDS["stems"]), _names(_WORDS["businesses"][trade])))
    chance.shuffle(every)
    for stem, business in every:
        brand = Name(stem.written + business.written, stem.read + business.read)
        form = chance.choice(_FORMS[trade])
        if form.startswith("医療") and business.written not in ("クリニック", "歯科"):
            form = "株式会社"
        kind = CustomerKind.CORPORATION if form else CustomerKind.SOLE_PROPRIETOR
        yield Firm(Name(form + brand.written + DEMO, brand.read), brand, kind)


def person_name(chance: Random) -> Name:
    """Somebody at the customer's."""
    family = chance.choice(_names(_WORDS["families"]))
    given = chance.choice(_names(_WORDS["given_names"]))
    return Name(f"{family.written} {given.written}", f"{family.read} {given.read}")


def _names(pairs: Sequence[str]) -> list[Name]:
    return [Name(*pair.split(" ")) for pair in pairs]
