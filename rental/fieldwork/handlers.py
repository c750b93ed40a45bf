"""What fieldwork does when others announce something."""

from rental.contracts.events import ContractActivated, LineAdded
from rental.core.bus import on
from rental.core.uow import UnitOfWork
from rental.fieldwork.work_orders import open_installation_orders


@on(ContractActivated)
def open_orders_for_contract(uow: UnitOfWork, event: ContractActivated) -> None:
    """A promise needs hands: one job for each site."""
    open_installation_orders(uow, event.contract_id)


@on(LineAdded)
def open_orders_for_line(uow: UnitOfWork, event: LineAdded) -> None:
    """The same for machines that are promised later."""
    open_installation_orders(uow, event.contract_id)
