"""What somebody may type who wants to see the product break."""

import base64
import json
from collections.abc import Collection, Mapping
from zlib import crc32

MARKUP = "<script>alert(1)</script>"
TEMPLATE = "{{7*7}}${7*7}<%= 7*7 %>"

HOSTILE: dict[str, str] = {
    "empty": "",
    "only spaces": " \t\u3000 ",
    "overlong": "x" * 10_000,
    "no such word": "no such word",
    "markup": MARKUP,
    "attribute": "\"' onmouseover=alert(1) x='",
    "SQL": "' OR 1=1; DROP TABLE account; --",
    "NUL": "a\x00b",
    "right to left": "\u202egnp.exe\u2066",
    "half a surrogate pair": "a\ud800b",
    "line break": "/a\r\nSet-Cookie: x=1",
    "line break at the end": "/a\n",
    "template": TEMPLATE,
    "full-width": "ＡＢＣ１２３",
    "emoji": "👩‍🔧🧰",
    "huge number": "9" * 5000,
    "beyond 32 bits": "3000000000",
    "beyond 64 bits": "99999999999999999999",
    "negative": "-1",
    "casefolds to three times its length": "ΐ" * 64 + "@" + "a." * 90 + "example",
    "no number": "NaN",
    "no day": "2026-02-31",
    "day of no year": "0000-01-01",
    "path": "../../../../etc/passwd",
    "percent": "%00%s%n",
}

# Each of them is wrong in a way that every field has to see for itself.
FOR_EVERY_FIELD = ("empty", "overlong", "no such word", "markup", "NUL", "huge number", "line break")

# For forms that are only there to be looked at.
SOME = ("overlong", "markup", "NUL", "huge number", "no day")


def share_of(
    values: Mapping[str, str], field: str, *, always: Collection[str], one_in: int
) -> dict[str, str]:
    """What is typed into this field where typing all of it into each would take too long.

    Of what is not in `always` one value in so many, others for other fields, the same ones every time.
    """
    turn = crc32(field.encode())
    others = [kind for kind in values if kind not in always]
    chosen = {kind for number, kind in enumerate(others, turn) if number % one_in == 0}
    return {kind: value for kind, value in values.items() if kind in always or kind in chosen}


def cursor(*values: object) -> str:
    """A place to continue from as a list writes it, with values of the attacker's choice."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


_ID = "01900000-0000-7000-8000-000000000000"
_AT = "2026-04-01T00:00:00+00:00"
HOSTILE_CURSORS: dict[str, str] = {
    "nothing": cursor(),
    "null": cursor(None, None),
    "no base64": "%%%",
    "no JSON": base64.urlsafe_b64encode(b"{").decode(),
    "no list": base64.urlsafe_b64encode(b'{"a":1}').decode(),
    "deeply nested": base64.urlsafe_b64encode(b"[" * 50_000).decode(),
    "number as id": cursor(_AT, 5),
    "number as id after a word": cursor("a", 5),
    "list as id": cursor(_AT, [_ID]),
    "half a surrogate pair": cursor("\ud800", _ID),
    "half a surrogate pair alone": cursor("\ud800"),
    "NUL": cursor("a\x00b", _ID),
    "NUL alone": cursor("\x00"),
    "instant without zone": cursor("2026-04-01T00:00:00", _ID),
    "instant before all time": cursor("0001-01-01T00:00:00+23:59", _ID),
    "instant after all time": cursor("9999-12-31T23:59:59-23:59", _ID),
    "number beyond 64 bits": cursor(1 << 64),
    "largest number": cursor((1 << 63) - 1),
    "endless number": base64.urlsafe_b64encode(b"[" + b"9" * 5000 + b"]").decode(),
    "true": cursor(True),
    "half a number": cursor(1.5),
    "no state": cursor("no such state", _ID),
    "too many": cursor(_AT, _ID, _ID),
    "of another list": cursor(_AT, _ID),
}

# Columns that a form must never set, with values that would give something away or break something.
EXTRA_FIELDS: list[tuple[str, str]] = [
    ("id", _ID),
    ("account_id", _ID),
    ("role", "administrator"),
    ("role_rows", "administrator"),
    ("state", "disabled"),
    ("password_hash", "planted-password-hash"),
    ("normalised_email", "planted@example.jp"),
    ("created_at", "1999-09-09T00:00:00Z"),
    ("expires_at", "2199-09-09T00:00:00Z"),
    ("token", "planted-token"),
    ("token_hash", "planted-token-hash"),
    ("kind", "phone"),
    ("owner", "planted-owner"),
    ("is_admin", "1"),
    ("__class__", "planted-class"),
    ("_method", "DELETE"),
]
PLANTED = ("planted", "1999-09-09", "2199-09-09", _ID)
