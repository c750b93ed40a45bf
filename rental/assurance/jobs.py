"""What assurance does by itself, night after night."""

from rental.assurance.checking import start_check
from rental.core.uow import UnitOfWork


def start_nightly_check(uow: UnitOfWork) -> None:
    """The whole database is checked once a night; the answer is on the check page in the morning."""
    uow.because("nightly check")
    start_check(uow)
