"""What an administrator does on the pages of people, and what the pages answer."""

from rental.identity.permissions import Role
from rental.identity.rules import AccountState
from tests.support.story import Story
from tests.web.company import Company, Seat, encoded


def test_the_last_administrator_is_told_why_nothing_happened(company: Company) -> None:
    account = company.people[Role.ADMINISTRATOR]
    seat = company.seat(account)
    before = company.rows()
    assert seat.post(f"/people/{account.id}/disable").status_code == 409
    form = {"name": "A", "roles": "sales", "language": "en", "version": str(account.version)}
    answer = seat.post(f"/people/{account.id}", form)
    assert answer.status_code == 409
    assert "This is the last active administrator." in answer.text
    assert company.rows() == before
    assert account.state is AccountState.ACTIVE


def test_somebody_who_saved_meanwhile_is_not_overwritten_and_it_is_said(company: Company) -> None:
    account = company.people[Role.SALES]
    seat = company.seat(Role.ADMINISTRATOR)
    form = {"name": "First", "roles": "sales", "language": "en", "version": str(account.version)}
    assert seat.post(f"/people/{account.id}", form).status_code == 303
    answer = seat.post(f"/people/{account.id}", {**form, "name": "Second"})
    assert answer.status_code == 409
    assert "Somebody else saved this in the meantime." in answer.text
    assert "First" in seat.get(f"/people/{account.id}").text


def test_an_invitation_sent_twice_is_one_and_an_email_is_taken_once(company: Company) -> None:
    seat = company.seat(Role.ADMINISTRATOR)
    form = {"name": "N", "email": "n@example.jp", "roles": "sales", "language": "en", "request_key": "1" * 32}
    first, second = (seat.post("/people/new", form) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 303)
    assert f'action="{second.headers["Location"]}"' in first.text
    assert "/set-up/" in first.text
    assert "/set-up/" not in seat.get(second.headers["Location"]).text
    answer = seat.post("/people/new", {**form, "request_key": "2" * 32})
    assert answer.status_code == 409
    assert "E-mail: Somebody already has an account with this e-mail." in answer.text
    other = seat.post("/people/new", {**form, "email": "other@example.jp"})
    assert other.status_code == 422
    assert "This form was already sent with different content." in other.text


NAMES = ("ＡＢＣ商会", "École", "Straße", "ΣΊΣΥΦΟΣ", "A%B", "A_B", "back\\slash", "小川 明日香")


def test_people_are_found_by_their_name_as_it_is_written_in_any_case(story: Story) -> None:
    accounts = [
        story.person(Role.ADMINISTRATOR, name=name, email=f"n{number}@example.jp")
        for number, name in enumerate(NAMES)
    ]
    story.person(Role.SALES, name="AxB back slash")
    seat, wrong = Seat(story.signed_in(accounts[0]).client), []
    for name in NAMES:
        for words in (name, name.lower(), name if "ß" in name else name.upper()):
            page = seat.page(f"/people?{encoded([('q', words)])}")
            found = [row.all("a")[0].text for body in page.all("tbody") for row in body.all("tr")]
            if found != [name]:
                wrong.append(f"{words!r}: {found}")
    assert wrong == []


def test_what_somebody_did_is_found_by_their_name(story: Story) -> None:
    account = story.person(Role.ADMINISTRATOR, name="ＡＢＣ商会 École")
    seat, wrong = Seat(story.signed_in(account).client), []
    seat.post("/checks")
    for words in ("ＡＢＣ商会", "ａｂｃ", "École", "école"):
        page = seat.page(f"/audit?{encoded([('q', words)])}")
        if len([row for body in page.all("tbody") for row in body.all("tr")]) != 1:  # the check
            wrong.append(words)
    assert wrong == []
