"""What contracts announce."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar
from uuid import UUID

from rental.core.events import Event


@dataclass(frozen=True, slots=True)
class ContractActivated(Event):
    """A draft became a promise: units are held, machines are to be installed. Sent once per contract."""

    name: ClassVar[str] = "contracts.contract_activated"

    contract_id: UUID
    effective_on: date


@dataclass(frozen=True, slots=True)
class SlotStarted(Event):
    """A slot went into service. Sent once per slot, in the transaction that completed its installation.

    `started_on` is the first day it owes rent.
    """

    name: ClassVar[str] = "contracts.slot_started"

    slot_id: UUID
    started_on: date


@dataclass(frozen=True, slots=True)
class SlotEnded(Event):
    """The unit of a slot came back for good. Sent once per slot, in the transaction that closed it.

    `ended_on` is the first day it does not owe rent any more.
    """

    name: ClassVar[str] = "contracts.slot_ended"

    slot_id: UUID
    ended_on: date


@dataclass(frozen=True, slots=True)
class CostIncurred(Event):
    """Something happened that is paid for once. Sent once per cost, in the transaction that recorded it."""

    name: ClassVar[str] = "contracts.cost_incurred"

    contract_line_id: UUID
    happened_on: date


@dataclass(frozen=True, slots=True)
class LineAdded(Event):
    """More machines were promised by a contract in force. Sent once per line."""

    name: ClassVar[str] = "contracts.line_added"

    contract_id: UUID
    contract_line_id: UUID
