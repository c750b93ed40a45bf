"""How large the demo company is in each profile, as its design counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Profile(StrEnum):
    """How large the demo company is: small for tests, medium to look at."""

    S = "S"
    M = "M"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What is counted. Contracts and slots are those of active contracts; drafts come on top.

    `several_sites` customers have 2 to 5 sites, each chain has as many as its entry says, all others one.
    Of `waiting` contracts, which promise `waiting_slots`, nothing is installed yet. `batches` fixes how many
    units of a model come in a month: (model, YYYY-MM) to count.
    """

    technicians: int
    customers: int
    sites: int
    several_sites: int
    chains: Sequence[int] = ()
    contracts: int
    slots: int
    waiting: int = 0
    waiting_slots: int = 0
    drafts: int = 0
    kits: Mapping[str, int]
    units: int
    retired: int
    in_receiving: int
    batches: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @property
    def in_service(self) -> int:
        return self.slots - self.waiting_slots


SIZES = {
    Profile.S: Size(
        technicians=4,
        customers=24,
        sites=30,
        several_sites=4,
        contracts=30,
        slots=74,
        kits={"KIT-CAFE-S": 7, "KIT-POS-1": 2, "KIT-POS-R": 1, "KIT-SEC-4": 1, "KIT-OFFICE": 3},
        units=110,
        retired=2,
        in_receiving=4,
    ),
    Profile.M: Size(
        technicians=14,
        customers=312,
        sites=498,
        several_sites=103,
        chains=(22, 14, 9),
        contracts=356,
        slots=1240,
        waiting=21,
        waiting_slots=31,
        drafts=6,
        kits={
            "KIT-CAFE-S": 84,
            "KIT-CAFE-L": 20,
            "KIT-POS-1": 44,
            "KIT-POS-R": 26,
            "KIT-SEC-4": 24,
            "KIT-OFFICE": 30,
        },
        units=1860,
        retired=30,
        in_receiving=24,
        # The batch that will fail more often than others has its month to itself, as the one after it has.
        batches={
            ("CM-200", "2025-06"): 40,
            ("CM-500", "2025-06"): 0,
            ("CM-200", "2025-09"): 20,
            ("CM-500", "2025-09"): 0,
        },
    ),
}
