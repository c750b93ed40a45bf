"""What phones send: in order, once, and whatever arrives is answered with the name of what is wrong."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from rental.core.ids import new_id
from rental.core.stored_files import StoredFile
from rental.fieldwork.models import FieldCommand
from rental.fieldwork.rules import WorkOrderState
from rental.fieldwork.visits import cancel_work_order
from rental.identity.permissions import Role
from tests.factories.rented import make_model, stock
from tests.support.story import Story
from tests.web.hostile import HOSTILE
from tests.web.phone_story import Job, job_for

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100
FIELD = {"X-Field": "1"}


@dataclass
class Phone:
    """A phone with a job on it; it counts what it tells."""

    job: Job
    seq: int = 0

    def command(self, kind: str, /, **payload: object) -> dict[str, Any]:
        self.seq += 1
        return {
            "id": str(new_id()),
            "seq": self.seq,
            "type": kind,
            "wo": str(self.job.order_id),
            "base": 1,
            "at": self.job.story.clock.now().isoformat(),
            "tz": "Asia/Tokyo",
            "payload": payload,
        }

    def sends(self, *commands: dict[str, Any], **message: Any) -> TestResponse:
        return self.posts(json.dumps({"device": "phone-1", "commands": commands} | message))

    def posts(self, body: str | bytes, headers: dict[str, str] | None = None) -> TestResponse:
        headers = FIELD if headers is None else headers
        return self.job.browser.client.post("/api/m/commands", data=body, headers=headers)

    def puts(self, content: bytes, sha256: str | None = None, **options: Any) -> TestResponse:
        name = sha256 or hashlib.sha256(content).hexdigest()
        return self.job.browser.client.put(
            f"/api/m/uploads/{name}", data=content, headers=options.get("headers", FIELD)
        )


@pytest.fixture
def phone(story: Story) -> Phone:
    return Phone(job_for(story))


def _statuses(answer: TestResponse) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [entry["status"] for entry in answer.get_json()["answers"]]


def test_day_recorded_without_signal_arrives_in_one_call(phone: Phone) -> None:
    sha256 = hashlib.sha256(PNG).hexdigest()
    assert phone.puts(PNG).status_code == 204
    answer = phone.sends(
        phone.command("visit.arrive"),
        phone.command("install.scan", code=phone.job.codes[0]),
        phone.command("photo.add", sha256=sha256, kind="after"),
        phone.command("note.add", text="Parked behind the house"),
        phone.command("complete"),
    )
    assert _statuses(answer) == ["applied"] * 5
    last = answer.get_json()["answers"][-1]
    assert last["result"]["rent"] == [
        {"tag": last["work_order"]["items"][0]["tag"], "from": "2026-04-01", "monthly_fee": 9800}
    ]
    assert last["work_order"]["state"] == "done"
    assert last["work_order"]["items"][0]["rent_from"] == "2026-04-01"
    assert phone.job.order().state is WorkOrderState.DONE


def test_call_repeated_after_a_lost_answer_is_done_once(phone: Phone) -> None:
    commands = [phone.command("visit.arrive"), phone.command("install.scan", code=phone.job.codes[0])]
    assert _statuses(phone.sends(*commands)) == ["applied", "applied"]
    assert _statuses(phone.sends(*commands)) == ["duplicate", "duplicate"]
    assert phone.job.story.count(FieldCommand) == 2


def test_refusal_names_the_reason_and_does_not_hold_up_what_follows(phone: Phone) -> None:
    with phone.job.story.begin() as uow:
        (other,) = stock(uow, make_model(uow, "GR-10", category="GR"))
    commands = [
        phone.command("visit.arrive"),
        phone.command("install.scan", code=other.tag),
        phone.command("install.scan", code=phone.job.codes[0]),
        phone.command("teleport"),
    ]
    for _ in range(2):
        answers = phone.sends(*commands).get_json()["answers"]
        refused = [(answers[at]["status"], answers[at]["code"]) for at in (1, 3)]
        assert refused == [("rejected", "fieldwork.wrong_model"), ("rejected", "fieldwork.upgrade_needed")]
        assert f"{other.tag} is a GR-10" in answers[1]["message"]


def test_conflict_stays_a_conflict_when_its_answer_was_lost(phone: Phone) -> None:
    assert _statuses(phone.sends(phone.command("visit.arrive"))) == ["applied"]
    with phone.job.story.begin() as uow:
        cancel_work_order(uow, phone.job.order_id, reason="Customer moved")
    late = [
        phone.command("install.scan", code=phone.job.codes[0]),
        phone.command("note.add", text="Was there"),
    ]
    assert _statuses(phone.sends(*late)) == ["conflict", "applied"]
    assert _statuses(phone.sends(*late)) == ["conflict", "duplicate"]


def test_gap_ends_the_call_and_names_the_last_command_we_have(phone: Phone) -> None:
    first = phone.command("visit.arrive")
    phone.command("note.add", text="lost on the way")
    answer = phone.sends(first, phone.command("note.add", text="third"))
    problem = answer.get_json()
    assert (answer.status_code, answer.content_type) == (409, "application/problem+json")
    assert (problem["code"], problem["last_seq"]) == ("fieldwork.command_out_of_order", 1)
    assert [entry["status"] for entry in problem["answers"]] == ["applied"]
    assert phone.job.story.count(FieldCommand) == 1


def test_same_id_with_another_body_is_refused_and_changes_nothing(phone: Phone) -> None:
    command = phone.command("note.add", text="one")
    phone.sends(command)
    answer = phone.sends(command | {"payload": {"text": "two"}})
    assert (answer.status_code, answer.get_json()["field"]) == (422, "id")
    assert phone.job.story.count(FieldCommand) == 1


def test_somebody_elses_job_is_not_there(phone: Phone) -> None:
    colleague = phone.job.story.person(Role.TECHNICIAN, email="other@example.jp")
    other = Phone(Job(**(vars(phone.job) | {"browser": phone.job.story.signed_in(colleague)})))
    (answer,) = other.sends(other.command("visit.arrive")).get_json()["answers"]
    assert (answer["status"], answer["code"], answer["work_order"]) == ("rejected", "core.not_found", None)
    assert phone.job.order().state is WorkOrderState.DISPATCHED


def test_only_technicians_of_our_own_pages_may_call(phone: Phone) -> None:
    body = json.dumps({"device": "phone-1", "commands": [phone.command("visit.arrive")]})
    assert phone.posts(body, headers={}).status_code == 422
    assert phone.posts(body, headers={}).get_json()["field"] == "X-Field"
    assert phone.puts(PNG, headers={}).status_code == 422
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert phone.posts(body, headers=FIELD | headers).status_code == 403
    for role in (Role.WAREHOUSE, Role.ADMINISTRATOR, Role.CUSTOMER):
        seat = phone.job.story.a(role)
        assert seat.client.post("/api/m/commands", data=body, headers=FIELD).status_code == 403
        assert seat.client.put("/api/m/uploads/x", data=b"", headers=FIELD).status_code == 403
    visitor = phone.job.story.visitor().client
    assert visitor.post("/api/m/commands", data=body, headers=FIELD).status_code == 401
    assert phone.job.story.count(FieldCommand) == 0


WRONG: dict[str, tuple[str, Any]] = {
    "no id": ("commands[0].id", {"id": None}),
    "id of another shape": ("commands[0].id", {"id": "{01900000-0000-7000-8000-000000000000}"}),
    "seq zero": ("commands[0].seq", {"seq": 0}),
    "seq true": ("commands[0].seq", {"seq": True}),
    "seq half": ("commands[0].seq", {"seq": 1.5}),
    "seq beyond 64 bits": ("commands[0].seq", {"seq": 2**63}),
    "type a list": ("commands[0].type", {"type": ["visit.arrive"]}),
    "wo of nothing": ("commands[0].wo", {"wo": ""}),
    "base negative": ("commands[0].base", {"base": -1}),
    "base huge": ("commands[0].base", {"base": 2**31}),
    "at without zone": ("commands[0].at", {"at": "2026-04-01T10:00:00"}),
    "at before all time": ("commands[0].at", {"at": "0001-01-01T00:00:00+23:59"}),
    "at a number": ("commands[0].at", {"at": 1}),
    "tz a sentence": ("commands[0].tz", {"tz": "half past ten"}),
    "payload a text": ("commands[0].payload", {"payload": "x"}),
    "payload too deep": ("commands[0].payload.a[0].a[0]", {"payload": {"a": [{"a": [[1]]}]}}),
    "payload with half a surrogate pair": ("commands[0].payload.text", {"payload": {"text": "\ud800"}}),
    "payload with NUL": ("commands[0].payload.text", {"payload": {"text": "a\x00"}}),
    "payload with a strange name": ("commands[0].payload", {"payload": {"a\x00": 1}}),
    "payload with a huge number": ("commands[0].payload.n", {"payload": {"n": 2**64}}),
    "payload too long": ("commands[0].payload.text", {"payload": {"text": "x" * 5000}}),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_value_is_named(phone: Phone, kind: str) -> None:
    name, change = WRONG[kind]
    answer = phone.sends(phone.command("note.add", text="x") | change)
    problem = answer.get_json()
    assert (answer.status_code, problem["field"]) == (422, name)
    assert name in problem["detail"]
    assert phone.job.story.count(FieldCommand) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"device": NaN}',
        b'{"device": ' + b"9" * 5000 + b"}",
        "{}".encode("utf-16"),
    ],
)
def test_what_is_not_json_is_refused(phone: Phone, body: bytes) -> None:
    answer = phone.posts(body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "web.not_json")


def test_wrong_message_is_refused_by_name(phone: Phone) -> None:
    some = phone.command("visit.arrive")
    for body, name in (
        ("[]", "body"),
        ('"x"', "body"),
        ("{}", "device"),
        (json.dumps({"device": "form:1", "commands": [some]}), "device"),
        (json.dumps({"device": "x" * 65, "commands": [some]}), "device"),
        (json.dumps({"device": "a", "commands": []}), "commands"),
        (json.dumps({"device": "a", "commands": [some] * 21}), "commands"),
        (json.dumps({"device": "a", "commands": {}}), "commands"),
        (json.dumps({"device": "a", "commands": [some, 1]}), "commands[1]"),
        ('{"device": "a", "commands": [{"payload": {"n": 1e999}}]}', "commands[0].id"),
    ):
        answer = phone.posts(body)
        assert (answer.status_code, answer.get_json()["field"]) == (422, name)
    assert phone.posts(b" " * (1024 * 1024 + 1)).status_code == 413
    assert phone.job.story.count(FieldCommand) == 0


def test_nothing_that_is_typed_makes_a_command_fail(phone: Phone) -> None:
    values: list[object] = [*HOSTILE.values(), None, 1, 1.5, True, [], {}]
    for kind, name in (
        ("install.scan", "code"),
        ("note.add", "text"),
        ("photo.add", "sha256"),
        ("photo.add", "kind"),
        ("install.undo_scan", "item_id"),
        ("block", "reason"),
        ("block", "note"),
        ("complete", "leaves_rest"),
    ):
        for value in values:
            payload: dict[str, object] = {"reason": "absent", "sha256": "x", "kind": "after"}
            command = phone.command(kind, **payload | {name: value})
            answer = phone.sends(command)
            assert answer.status_code in {200, 422}, (kind, name, value)
            if answer.status_code == 422:
                phone.seq -= 1
                assert answer.get_json()["field"].startswith("commands[0].payload")


def test_photo_arrives_whole_or_not_at_all(phone: Phone) -> None:
    assert [phone.puts(PNG).status_code for _ in range(2)] == [204, 204]
    assert phone.puts(PNG[:-1], hashlib.sha256(PNG).hexdigest()).get_json()["field"] == "sha256"
    assert phone.puts(b"<svg/>").get_json()["code"] == "core.not_an_image"
    large = PNG + b"0" * 2 * 1024 * 1024
    assert phone.puts(large).status_code == 204
    assert phone.puts(large + b"0" * 6 * 1024 * 1024).status_code == 413
    with phone.job.story.reading() as session:
        assert len(session.scalars(select(StoredFile.sha256)).all()) == 2
