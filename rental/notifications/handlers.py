"""Which facts people are told."""

from rental.core.bus import on
from rental.core.uow import UnitOfWork
from rental.customers.models import Site
from rental.fieldwork.events import VisitPublished
from rental.fieldwork.models import Visit
from rental.fieldwork.rules import VisitState
from rental.identity.events import PasswordSet, RolesChanged, SignedInSomewhereNew
from rental.identity.models import AccountSession
from rental.notifications.models import NoticeKind
from rental.notifications.telling import tell


@on(PasswordSet)
def tell_of_new_password(uow: UnitOfWork, event: PasswordSet) -> None:
    """A password set by somebody else is noticed by its owner (ASVS 5.0, 6.3.7)."""
    tell(uow, event.account_id, NoticeKind.PASSWORD_SET)


@on(RolesChanged)
def tell_of_new_roles(uow: UnitOfWork, event: RolesChanged) -> None:
    """Who may suddenly do more, or less, knows why."""
    tell(uow, event.account_id, NoticeKind.ROLES_CHANGED)


@on(SignedInSomewhereNew)
def tell_of_new_place(uow: UnitOfWork, event: SignedInSomewhereNew) -> None:
    """A stranger's sign-in is noticed by the owner (ASVS 5.0, 6.3.5)."""
    session = uow.session.get(AccountSession, event.session_id)
    if session is not None:
        tell(uow, event.account_id, NoticeKind.SIGNED_IN_SOMEWHERE_NEW, address=session.address)


@on(VisitPublished)
def tell_of_new_visit(uow: UnitOfWork, event: VisitPublished) -> None:
    """Who is sent out learns where and when; of a visit under way or over there is nothing left to learn."""
    visit = uow.session.get(Visit, event.visit_id)
    if visit is None or visit.state is not VisitState.PUBLISHED:
        return
    site = uow.session.get(Site, visit.site_id)
    if site is not None:
        tell(
            uow,
            event.technician_id,
            NoticeKind.VISIT_PUBLISHED,
            site=site.name,
            planned_on=event.planned_on.isoformat(),
        )
