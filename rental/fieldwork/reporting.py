"""What a technician writes down and photographs: facts of the day, taken even when the job is over."""

import hashlib
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from rental.core.errors import Invalid
from rental.core.images import read_image
from rental.core.stored_files import StoredFile, keep_file
from rental.core.text import tidy
from rental.core.uow import UnitOfWork, locked
from rental.fieldwork.models import WorkOrder, WorkOrderNote, WorkOrderPhoto
from rental.fieldwork.rules import PhotoKind

LONGEST_NOTE = 1000


class NoteEmpty(Invalid):
    """A note without words."""

    code = "fieldwork.note_empty"
    field = "text"


class NoteTooLong(Invalid):
    """More words than a note holds."""

    code = "fieldwork.note_too_long"
    field = "text"


class PhotoNotSent(Invalid):
    """The photo's bytes have not arrived; they are sent before the command that names them."""

    code = "fieldwork.photo_not_sent"
    field = "photo"


def add_note(uow: UnitOfWork, work_order_id: UUID, text: str, *, at: datetime) -> WorkOrderNote:
    """A note of the day."""
    order = locked(uow, WorkOrder, work_order_id)
    words = "\n".join(tidy(line) for line in text[: 2 * LONGEST_NOTE].splitlines()).strip()
    if not words:
        raise NoteEmpty
    if len(words) > LONGEST_NOTE:
        raise NoteTooLong(maximum=LONGEST_NOTE)
    note = WorkOrderNote(work_order_id=order.id, text=words, written_at=at, written_by=uow.actor.name)
    uow.session.add(note)
    uow.session.flush()
    return note


def keep_photo_bytes(uow: UnitOfWork, content: bytes) -> StoredFile:
    """The bytes of a photo, before a command says what it shows; kept once, however often they are sent.

    Raises NotAnImage.
    """
    image = read_image(content)
    sha256 = hashlib.sha256(content).hexdigest()
    kept = uow.session.scalar(
        select(StoredFile)
        .where(StoredFile.sha256 == sha256, StoredFile.media_type == image.media_type)
        .order_by(StoredFile.stored_at)
        .limit(1)
    )
    if kept is not None:
        return kept
    return keep_file(uow, content, media_type=image.media_type, download_name=f"photo.{image.suffix}")


def add_photo(
    uow: UnitOfWork, work_order_id: UUID, sha256: str, kind: PhotoKind, *, at: datetime
) -> WorkOrderPhoto:
    """The photo with these bytes belongs to this job. Raises PhotoNotSent."""
    order = locked(uow, WorkOrder, work_order_id)
    file_id = uow.session.scalar(
        select(StoredFile.id).where(StoredFile.sha256 == sha256).order_by(StoredFile.stored_at).limit(1)
    )
    if file_id is None:
        raise PhotoNotSent
    photo = WorkOrderPhoto(
        work_order_id=order.id, file_id=file_id, kind=kind, taken_at=at, taken_by=uow.actor.name
    )
    uow.session.add(photo)
    uow.session.flush()
    return photo
