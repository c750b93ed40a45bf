"""Reading what phones send: JSON with commands in it, or a refusal that names the entry and the cure."""

import json
import math
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

from flask_babel import gettext as _

from rental.core.errors import Invalid
from rental.fieldwork.device_sync import Command

MOST_COMMANDS = 20
_DEEPEST = 4
_MOST_ENTRIES = 50
_LONGEST_TEXT = 4000
_MOST = 2**53 - 1  # the largest whole number that every JSON reader keeps
_MOST_REVISIONS = 2**31 - 1
_DEVICE = re.compile(r"(?!form:)[A-Za-z0-9._:-]{1,64}")
_TYPE = re.compile(r"[a-z_.]{1,40}")
_ID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


class NotJson(Invalid):
    """What arrived is not JSON, or not JSON that everybody reads alike."""

    code = "web.not_json"
    field = "body"


class BadValue(Invalid):
    """A value that cannot be right; `cure` says what to send instead, in the reader's language."""

    code = "web.bad_value"

    def __init__(self, name: str, cure: str) -> None:
        super().__init__(name=name, cure=cure)
        self.field = name


def commands_in(body: bytes) -> list[Command]:
    """The commands of a call, all read before the first is done. Raises NotJson, BadValue."""
    message = _object(_read(body), "body")
    device = message.get("device")
    if not isinstance(device, str) or not _DEVICE.fullmatch(device):
        raise BadValue("device", _("Send the name of the device: at most 64 letters, digits, and . _ : -"))
    entries = message.get("commands")
    if not isinstance(entries, list) or not 1 <= len(entries) <= MOST_COMMANDS:
        raise BadValue("commands", _("Send a list of 1 to %(maximum)s commands.", maximum=MOST_COMMANDS))
    return [_command(device, entry, f"commands[{at}]") for at, entry in enumerate(entries)]


def _command(device: str, entry: Any, name: str) -> Command:
    fields = _object(entry, name)
    _time_zone(fields.get("tz"), f"{name}.tz")
    return Command(
        id=_id(fields.get("id"), f"{name}.id"),
        device=device,
        seq=_whole(fields.get("seq"), f"{name}.seq", 1, _MOST),
        type=_type(fields.get("type"), f"{name}.type"),
        work_order_id=_id(fields.get("wo"), f"{name}.wo"),
        payload=_payload(fields.get("payload", {}), f"{name}.payload"),
        base=None
        if fields.get("base") is None
        else _whole(fields["base"], f"{name}.base", 0, _MOST_REVISIONS),
        at=_instant(fields.get("at"), f"{name}.at"),
    )


def _read(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise NotJson from None


def _refuse_constant(_name: str) -> NoReturn:
    """NaN and Infinity are Python's own; no JSON reader has to know them."""
    raise NotJson


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadValue(name, _("Send an object with names and values."))
    return value


def _id(value: Any, name: str) -> UUID:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise BadValue(name, _("Send a UUID such as 01900000-0000-7000-8000-000000000000."))
    return UUID(value)


def _whole(value: Any, name: str, minimum: int, maximum: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
        raise BadValue(
            name,
            _("Send a whole number from %(minimum)s to %(maximum)s.", minimum=minimum, maximum=maximum),
        )
    return value


def _type(value: Any, name: str) -> str:
    if not isinstance(value, str) or not _TYPE.fullmatch(value):
        raise BadValue(name, _("Send the type of the command, such as install.scan."))
    return value


def _instant(value: Any, name: str) -> datetime:
    try:
        instant = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        instant = None
    if instant is None or instant.tzinfo is None or not 2000 <= instant.year <= 2199:
        raise BadValue(name, _("Send a time with its zone, such as 2026-11-20T10:30:00+09:00."))
    return instant


def _time_zone(value: Any, name: str) -> None:
    """The phone's zone is for people who look into a dispute; the times carry their own offset."""
    if value is not None and not (isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_+/-]{1,64}", value)):
        raise BadValue(name, _("Send the name of a time zone, such as Asia/Tokyo."))


def _payload(value: Any, name: str) -> dict[str, Any]:
    payload = _object(value, name)
    for path, unsound in _unsound(payload, name, _DEEPEST):
        raise BadValue(path, unsound)
    return payload


def _unsound(value: Any, name: str, depth: int) -> Iterator[tuple[str, str]]:
    """What in it cannot be kept by every database, or is more than a command holds."""
    if isinstance(value, str):
        if len(value) > _LONGEST_TEXT:
            yield name, _("Too long: at most %(maximum)s characters.", maximum=_LONGEST_TEXT)
        elif "\x00" in value or not _is_encodable(value):
            yield name, _("There is an invalid character in it.")
    elif isinstance(value, float) and not math.isfinite(value):
        yield name, _("Send a number.")
    elif isinstance(value, int) and not -_MOST <= value <= _MOST:
        yield name, _("This number is too large.")
    elif isinstance(value, dict | list):
        if depth == 0 or len(value) > _MOST_ENTRIES:
            yield name, _("There is more in it than a command holds.")
            return
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in entries:
            if isinstance(key, str) and (len(key) > 40 or not key.isidentifier()):
                yield name, _("The names in it have at most 40 letters and digits.")
                return
            path = f"{name}.{key}" if isinstance(key, str) else f"{name}[{key}]"
            yield from _unsound(item, path, depth - 1)


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
