"""Reading jobs and visits."""

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from rental.catalog.models import EquipmentModel
from rental.contracts.models import Contract, Slot
from rental.core.text import narrow
from rental.customers.models import Site
from rental.customers.rules import kana_alike
from rental.fieldwork.models import (
    FieldCommand,
    Visit,
    WorkOrder,
    WorkOrderItem,
    WorkOrderNote,
    WorkOrderPhoto,
    WorkOrderStep,
)
from rental.fieldwork.rules import OVER, CommandStatus, ItemState, VisitState, WorkOrderState

_UNDECIDED = (FieldCommand.status == CommandStatus.CONFLICT, ~FieldCommand.decision.has())
SENT_OUT = (VisitState.PUBLISHED, VisitState.EN_ROUTE, VisitState.ON_SITE, VisitState.LEFT)


def work_orders_matching(
    *, words: str = "", state: WorkOrderState | None = None, is_open: bool = False
) -> Select[WorkOrder]:
    """Jobs whose number or site has the words, in no order yet."""
    statement = select(WorkOrder).options(
        joinedload(WorkOrder.site),
        joinedload(WorkOrder.contract).joinedload(Contract.customer),
        joinedload(WorkOrder.visit).joinedload(Visit.technician),
        selectinload(WorkOrder.items),
    )
    if words:
        named = [Site.search_name.contains(word, autoescape=True) for word in kana_alike(words).split()]
        statement = statement.where(
            or_(
                WorkOrder.number.startswith(narrow(words).upper(), autoescape=True),
                WorkOrder.site_id.in_(select(Site.id).where(and_(*named))),
            )
        )
    if state:
        statement = statement.where(WorkOrder.state == state)
    if is_open:
        statement = statement.where(WorkOrder.state.not_in(OVER))
    return statement


def state_counts(session: Session) -> dict[WorkOrderState, int]:
    """How many jobs are in each state."""
    rows = session.execute(select(WorkOrder.state, func.count()).group_by(WorkOrder.state)).all()
    return dict.fromkeys(WorkOrderState, 0) | dict(rows)


def work_order_with_all(session: Session, work_order_id: UUID) -> WorkOrder | None:
    """A job with everything its pages show."""
    return session.scalar(_with_all().where(WorkOrder.id == work_order_id))


def own_work_order(session: Session, technician_id: UUID, work_order_id: UUID) -> WorkOrder | None:
    """A job that this technician was sent out to do, with everything its page shows."""
    return session.scalar(
        _with_all()
        .join(Visit, WorkOrder.visit_id == Visit.id)
        .where(
            WorkOrder.id == work_order_id,
            Visit.technician_id == technician_id,
            Visit.state.in_(SENT_OUT),
        )
    )


def _with_all() -> Select[WorkOrder]:
    return select(WorkOrder).options(
        joinedload(WorkOrder.site).selectinload(Site.hours),
        joinedload(WorkOrder.contract).joinedload(Contract.customer),
        joinedload(WorkOrder.visit).joinedload(Visit.technician),
        selectinload(WorkOrder.items).joinedload(WorkOrderItem.equipment_model),
        selectinload(WorkOrder.items).joinedload(WorkOrderItem.unit),
        selectinload(WorkOrder.items).joinedload(WorkOrderItem.slot).joinedload(Slot.line),
    )


def visits_of_day(session: Session, technician_id: UUID, on: date) -> Sequence[Visit]:
    """Where the technician goes on this day, in order; visits begun earlier and not over come first."""
    begun = (VisitState.EN_ROUTE, VisitState.ON_SITE)
    return session.scalars(
        select(Visit)
        .where(
            Visit.technician_id == technician_id,
            Visit.state.in_(SENT_OUT),
            or_(Visit.planned_on == on, and_(Visit.planned_on < on, Visit.state.in_(begun))),
        )
        .options(
            joinedload(Visit.site),
            selectinload(Visit.work_orders).selectinload(WorkOrder.items),
            selectinload(Visit.work_orders).joinedload(WorkOrder.contract).joinedload(Contract.customer),
        )
        .order_by(Visit.planned_on, func.coalesce(Visit.starts_at, 1440), Visit.id)
        .limit(100)
    ).all()


def machines_to_bring(session: Session, technician_id: UUID, on: date) -> Sequence[tuple[str, str, int]]:
    """What the technician still has to install on this day: code, name and number of each model, by code."""
    rows = session.execute(
        select(EquipmentModel.code, EquipmentModel.name, func.count())
        .join(WorkOrderItem, WorkOrderItem.equipment_model_id == EquipmentModel.id)
        .join(WorkOrder, WorkOrderItem.work_order_id == WorkOrder.id)
        .join(Visit, WorkOrder.visit_id == Visit.id)
        .where(
            Visit.technician_id == technician_id,
            Visit.planned_on == on,
            Visit.state.in_(SENT_OUT),
            WorkOrderItem.state.in_((ItemState.OPEN, ItemState.SCANNED)),
        )
        .group_by(EquipmentModel.code, EquipmentModel.name)
        .order_by(EquipmentModel.code)
    )
    return [(code, name, count) for code, name, count in rows]


def visit_count_after(session: Session, technician_id: UUID, on: date) -> tuple[date, int] | None:
    """The technician's next day with visits after this one, and how many."""
    row = session.execute(
        select(Visit.planned_on, func.count())
        .where(
            Visit.technician_id == technician_id,
            Visit.state == VisitState.PUBLISHED,
            Visit.planned_on > on,
        )
        .group_by(Visit.planned_on)
        .order_by(Visit.planned_on)
        .limit(1)
    ).first()
    return (row[0], row[1]) if row else None


def open_order_for_unit(session: Session, technician_id: UUID, slot_id: UUID) -> WorkOrder | None:
    """The technician's own open job that is to fill this slot."""
    return session.scalar(
        select(WorkOrder)
        .join(WorkOrderItem)
        .join(Visit, WorkOrder.visit_id == Visit.id)
        .where(
            WorkOrderItem.slot_id == slot_id,
            WorkOrderItem.state.in_((ItemState.OPEN, ItemState.SCANNED)),
            Visit.technician_id == technician_id,
            Visit.state.in_(SENT_OUT),
        )
    )


def work_orders_with(session: Session, ids: Collection[UUID]) -> Sequence[WorkOrder]:
    """These jobs, by number; ids that are none are left out."""
    return session.scalars(
        work_orders_matching().where(WorkOrder.id.in_(ids)).order_by(WorkOrder.number).limit(500)
    ).all()


def follow_ups_of(session: Session, work_order_id: UUID) -> Sequence[WorkOrder]:
    """The jobs that do what this one left, by number."""
    return session.scalars(
        select(WorkOrder).where(WorkOrder.follows_id == work_order_id).order_by(WorkOrder.number).limit(100)
    ).all()


def conflict_count(session: Session) -> int:
    """How many commands wait for a decision of the office."""
    return session.scalar(select(func.count()).select_from(FieldCommand).where(*_UNDECIDED)) or 0


def work_orders_of_contract(session: Session, contract_id: UUID) -> Sequence[WorkOrder]:
    """The jobs of a contract, latest first."""
    return session.scalars(
        select(WorkOrder)
        .where(WorkOrder.contract_id == contract_id)
        .options(
            joinedload(WorkOrder.site),
            joinedload(WorkOrder.visit).joinedload(Visit.technician),
            selectinload(WorkOrder.items),
        )
        .order_by(WorkOrder.opened_at.desc(), WorkOrder.number.desc())
        .limit(500)
    ).all()


def work_orders_of_unit(session: Session, unit_id: UUID) -> Sequence[WorkOrder]:
    """The jobs in which the unit was scanned, latest first."""
    return session.scalars(
        select(WorkOrder)
        .join(WorkOrderItem)
        .where(WorkOrderItem.unit_id == unit_id)
        .options(joinedload(WorkOrder.site), joinedload(WorkOrder.visit).joinedload(Visit.technician))
        .order_by(WorkOrder.opened_at.desc())
        .limit(200)
    ).all()


def steps_of(session: Session, work_order_id: UUID) -> Sequence[WorkOrderStep]:
    """How the job went, latest first."""
    return session.scalars(
        select(WorkOrderStep)
        .where(WorkOrderStep.work_order_id == work_order_id)
        .order_by(WorkOrderStep.id.desc())
        .limit(200)
    ).all()


def notes_of(session: Session, work_order_id: UUID) -> Sequence[WorkOrderNote]:
    return session.scalars(
        select(WorkOrderNote)
        .where(WorkOrderNote.work_order_id == work_order_id)
        .order_by(WorkOrderNote.written_at, WorkOrderNote.id)
        .limit(200)
    ).all()


def photos_of(session: Session, work_order_id: UUID) -> Sequence[WorkOrderPhoto]:
    return session.scalars(
        select(WorkOrderPhoto)
        .where(WorkOrderPhoto.work_order_id == work_order_id)
        .options(joinedload(WorkOrderPhoto.file))
        .order_by(WorkOrderPhoto.taken_at, WorkOrderPhoto.id)
        .limit(200)
    ).all()


def commands_of(session: Session, work_order_id: UUID) -> Sequence[FieldCommand]:
    """Everything told about the job, latest first."""
    return session.scalars(
        select(FieldCommand)
        .where(FieldCommand.work_order_id == work_order_id)
        .options(joinedload(FieldCommand.account), joinedload(FieldCommand.decision))
        .order_by(FieldCommand.received_at.desc(), FieldCommand.seq.desc())
        .limit(200)
    ).all()


def commands_in_conflict(session: Session) -> Sequence[FieldCommand]:
    """What somebody at the office still has to decide, oldest first."""
    return session.scalars(
        select(FieldCommand)
        .where(*_UNDECIDED)
        .options(joinedload(FieldCommand.account), joinedload(FieldCommand.decision))
        .order_by(FieldCommand.received_at)
        .limit(200)
    ).all()


def conflict_with_decision(session: Session, command_id: UUID) -> FieldCommand | None:
    """A command in conflict, decided or not; nothing for a command that is none."""
    return session.scalar(
        select(FieldCommand)
        .where(FieldCommand.id == command_id, FieldCommand.status == CommandStatus.CONFLICT)
        .options(joinedload(FieldCommand.account), joinedload(FieldCommand.decision))
    )


def work_orders_named(session: Session, ids: Collection[UUID]) -> Sequence[WorkOrder]:
    """Those of these ids that are work orders."""
    if not ids:
        return ()
    return session.scalars(select(WorkOrder).where(WorkOrder.id.in_(ids))).all()
