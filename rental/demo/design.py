"""The demo company on paper: where it works, what it rents at which price, and who drives from where."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

_PAPER = Path(__file__).with_name("design.json")


@dataclass(frozen=True, slots=True)
class Area:
    """A quarter in which customers have sites, around a public point."""

    name: str
    city: str
    prefecture: str
    latitude: float
    longitude: float
    site_count: int
    trades: frozenset[str]


@dataclass(frozen=True, slots=True)
class Product:
    """A machine to rent. Money in yen, times in minutes. The first of its skills says who makes it."""

    code: str
    name: str
    cost: int
    monthly_rent: int
    install_minutes: int
    repair_minutes: int
    skills: Sequence[str]
    litres: int
    grams: int

    @property
    def category(self) -> str:
        """What stands in our numbers: CM for CM-200."""
        return self.code.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Plan:
    """A way to rent any machine; the factor is added to its rent."""

    code: str
    name: str
    minimum_months: int
    price_factor: float
    billing_start: str


@dataclass(frozen=True, slots=True)
class Kit:
    """Machines that are wanted together: (code, how many). Things counted by quantity are left out."""

    code: str
    machines: Sequence[tuple[str, int]]

    @property
    def machine_count(self) -> int:
        return sum(count for _code, count in self.machines)


@dataclass(frozen=True, slots=True)
class Base:
    """A house of the company, from which vans start."""

    code: str
    name: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Technician:
    """What a technician can do, and when they work, in minutes after midnight."""

    number: int
    base: str
    skills: frozenset[str]
    shift_start: int
    shift_end: int


@dataclass(frozen=True, slots=True)
class Design:
    """Everything the design says that the product knows by now."""

    seed: int
    today: date
    areas: Sequence[Area]
    products: Sequence[Product]
    plans: Sequence[Plan]
    kits: Sequence[Kit]
    bases: Sequence[Base]
    technicians: Sequence[Technician]

    def product(self, code: str) -> Product:
        return next(product for product in self.products if product.code == code)


@cache
def read_design() -> Design:
    """The design that lies beside this module."""
    paper = json.loads(_PAPER.read_text(encoding="utf-8"))
    products = [_product(entry) for entry in paper["products"] if entry["tracking"] == "serial"]
    codes = {product.code for product in products}
    return Design(
        seed=paper["seed"],
        today=date.fromisoformat(paper["today"]),
        areas=[_area(entry) for entry in paper["areas"]],
        products=products,
        plans=[_plan(entry) for entry in paper["plans"]],
        kits=[_kit(entry, codes) for entry in paper["kits"]],
        bases=[_base(entry) for entry in paper["bases"]],
        technicians=[_technician(entry) for entry in paper["technicians"]],
    )


def _area(entry: dict[str, Any]) -> Area:
    trades = frozenset("clinic" if trade == "salon" else trade for trade in entry["kind"].split("/"))
    return Area(
        entry["name"], entry["city"], entry["pref"], entry["lat"], entry["lon"], entry["sites"], trades
    )


def _product(entry: dict[str, Any]) -> Product:
    return Product(
        code=entry["code"],
        name=entry["name"],
        cost=entry["cost_jpy"],
        monthly_rent=entry["rent_month_jpy"],
        install_minutes=entry["install_min"],
        repair_minutes=entry["repair_min"],
        skills=(entry["skill"], *entry.get("also", ())),
        litres=entry["litres"],
        grams=round(entry["kg"] * 1000),
    )


def _plan(entry: dict[str, Any]) -> Plan:
    return Plan(
        entry["code"], entry["name"], entry["min_months"], entry["price_factor"], entry["billing_start"]
    )


def _kit(entry: dict[str, Any], codes: set[str]) -> Kit:
    return Kit(entry["code"], [(code, count) for code, count in entry["lines"] if code in codes])


def _base(entry: dict[str, Any]) -> Base:
    name, _, _remark = entry["name"].partition("(")
    return Base(entry["code"], name, entry["lat"], entry["lon"])


def _technician(entry: dict[str, Any]) -> Technician:
    start, end = (_minutes(clock) for clock in entry["shift"].split("-"))
    skills = frozenset(entry["skills"].split(","))
    return Technician(int(entry["code"][1:]), entry["base"], skills, start, end)


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
