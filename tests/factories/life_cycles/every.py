"""The lives of all kinds of things, by name."""

from tests.factories.life_cycles.contracts import CONTRACTS, SLOTS
from tests.factories.life_cycles.holds import LABELS, RESERVATIONS
from tests.factories.life_cycles.units import UNITS
from tests.factories.life_cycles.work_orders import ITEMS, VISITS, WORK_ORDERS

LIVES = {
    "unit": UNITS,
    "reservation": RESERVATIONS,
    "label_code": LABELS,
    "contract": CONTRACTS,
    "slot": SLOTS,
    "work_order": WORK_ORDERS,
    "item": ITEMS,
    "visit": VISITS,
}
