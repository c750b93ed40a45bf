"""A session lives as long as it should, on this browser only, and ends at once when it is ended."""

import pytest
from sqlalchemy import select

from rental.identity.models import AccountSession
from rental.identity.permissions import Role
from tests.support.story import PASSWORD, Story
from tests.web.company import Company, Seat, rows_of

NEW_PASSWORD = "seven lamps over water"


def _signed_in(story: Story, email: str, seat: Seat | None = None) -> Seat:
    """Through the form, as people do it."""
    seat = seat or Seat(story.app.test_client())
    page = seat.page("/styleguide")
    token = next(e.attributes["value"] for e in page.all("input") if e.attributes.get("name") == "csrf_token")
    answer = seat.post("/sign-in", {"email": email, "password": PASSWORD}, token=token)
    assert answer.status_code == 303, answer.status
    return Seat(seat.client)


def _is_in(seat: Seat) -> bool:
    return seat.get("/account").status_code == 200


def _token(seat: Seat) -> str:
    cookie = seat.client.get_cookie("genba")
    assert cookie
    return cookie.value


def _with(story: Story, token: str) -> Seat:
    """Somebody else's browser that holds a copied cookie."""
    seat = Seat(story.app.test_client())
    seat.client.set_cookie("genba", token)
    return seat


def _session_ids(story: Story) -> list[str]:
    with story.reading() as session:
        return [str(i) for i in session.scalars(select(AccountSession.id).order_by(AccountSession.id))]


def test_the_database_holds_no_token_and_no_password(story: Story) -> None:
    account = story.person(Role.SALES)
    token = _token(_signed_in(story, account.email))
    assert len(token) >= 43
    everything = str(rows_of(story.app))
    assert account.email in everything
    assert token not in everything
    assert PASSWORD not in everything


def test_every_sign_in_gets_a_token_of_its_own_and_the_one_before_ends(story: Story) -> None:
    account = story.person(Role.SALES)
    seat = Seat(story.app.test_client())
    seat.client.set_cookie("genba", "chosen-by-an-attacker-beforehand-0123456789")
    first = _token(_signed_in(story, account.email, seat))
    assert first != "chosen-by-an-attacker-beforehand-0123456789"
    second = _token(_signed_in(story, account.email, seat))
    assert second != first
    assert _is_in(_with(story, second))
    # Signing in again in the same browser replaces its session (ASVS 5.0, 7.2.4).
    assert not _is_in(_with(story, first))


def test_the_form_token_of_before_is_worth_nothing_after_signing_in_or_out(story: Story) -> None:
    account = story.person(Role.SALES)
    seat = Seat(story.app.test_client())
    before = seat.token()
    inside = _signed_in(story, account.email, seat)
    assert inside.post("/account/sessions/end-others", token=before).status_code == 400
    during = inside.token()
    assert inside.post("/sign-out").status_code == 303
    assert (
        inside.post("/sign-in", {"email": "x@example.jp", "password": "y"}, token=during).status_code == 400
    )


@pytest.mark.slow
def test_at_a_desk_a_session_ends_after_half_an_hour_unused_and_after_twelve_hours(story: Story) -> None:
    emails = [story.person(role).email for role in Role if role is not Role.TECHNICIAN]
    seats = [_signed_in(story, email) for email in emails]
    story.later(minutes=30, seconds=-1)
    assert all(map(_is_in, seats))
    story.later(minutes=30)
    assert not any(map(_is_in, seats))
    seats = [_signed_in(story, email) for email in emails]
    for _ in range(25):
        story.later(minutes=28)
        assert _is_in(seats[0])
        assert _is_in(seats[-1])
    story.later(minutes=20, seconds=-1)
    assert (_is_in(seats[0]), _is_in(seats[-1])) == (True, True)
    story.later(seconds=1)
    assert not any(map(_is_in, seats))


def test_a_technicians_phone_stays_signed_in_for_thirty_days_after_each_use(story: Story) -> None:
    seat = _signed_in(story, story.person(Role.TECHNICIAN).email)
    for _ in range(3):
        story.later(days=30, seconds=-1)
        assert _is_in(seat)
    story.later(days=30)
    assert not _is_in(seat)


def test_one_session_is_ended_and_the_others_stay(story: Story) -> None:
    account = story.person(Role.SALES)
    here, lost, elsewhere = (_signed_in(story, account.email) for _ in range(3))
    lost_id = _session_ids(story)[1]
    assert here.post(f"/account/sessions/{lost_id}/end").status_code == 303
    assert (_is_in(here), _is_in(lost), _is_in(elsewhere)) == (True, False, True)
    assert here.post(f"/account/sessions/{lost_id}/end").status_code == 404


def test_all_others_are_ended_and_this_one_stays(story: Story) -> None:
    account = story.person(Role.SALES)
    here, lost, elsewhere = (_signed_in(story, account.email) for _ in range(3))
    somebody = _signed_in(story, story.person(Role.BILLING).email)
    assert here.post("/account/sessions/end-others").status_code == 303
    assert [_is_in(seat) for seat in (here, lost, elsewhere, somebody)] == [True, False, False, True]


def test_a_new_password_ends_every_other_session(story: Story) -> None:
    account = story.person(Role.SALES)
    here, elsewhere = (_signed_in(story, account.email) for _ in range(2))
    form = {"current_password": PASSWORD, "password": NEW_PASSWORD}
    assert here.post("/account/password", form).status_code == 303
    assert (_is_in(here), _is_in(elsewhere)) == (True, False)
    old = Seat(story.app.test_client())
    assert old.post("/sign-in", {"email": account.email, "password": PASSWORD}).status_code == 422


def test_an_administrator_ends_a_session_and_shuts_somebody_out(company: Company) -> None:
    story, account = company.story, company.people[Role.SALES]
    seat = _signed_in(story, account.email)
    administrator = company.seat(Role.ADMINISTRATOR)
    session_id = company.newest_session(account)
    assert administrator.post(f"/people/{account.id}/sessions/{session_id}/end").status_code == 303
    assert not _is_in(seat)
    seat = _signed_in(story, account.email)
    assert administrator.post(f"/people/{account.id}/disable").status_code == 303
    assert not _is_in(seat)
    form = {"email": account.email, "password": PASSWORD}
    assert Seat(story.app.test_client()).post("/sign-in", form).status_code == 422
    assert administrator.post(f"/people/{account.id}/set-up-link").status_code == 409
    assert administrator.post(f"/people/{account.id}/enable").status_code == 303
    # What was ended stays ended.
    assert not _is_in(seat)
    assert _is_in(_signed_in(story, account.email))


def test_a_copied_cookie_is_worth_nothing_after_signing_out(story: Story) -> None:
    seat = _signed_in(story, story.person(Role.SALES).email)
    thief = _with(story, _token(seat))
    assert _is_in(thief)
    answer = seat.post("/sign-out")
    assert answer.headers["Location"] == "/sign-in"
    assert seat.client.get_cookie("genba") is None
    assert thief.get("/account").status_code == 303
    assert thief.post("/account/sessions/end-others").status_code == 401
    assert _is_in(thief) is False


def test_a_cookie_that_is_no_token_is_nobodys(story: Story) -> None:
    story.person(Role.SALES)
    seat = Seat(story.app.test_client())
    for value in ("", "x", "x" * 43, "x" * 5000, "\xff", '"\\355\\240\\200"', "' OR 1=1 --", "a=b; genba=c"):
        answer = seat.get("/account", headers={"Cookie": f"genba={value}; genba_form={value}"})
        assert answer.status_code == 303, value


def test_a_set_up_link_is_only_looked_at_by_mail_scanners_and_used_once_by_its_owner(
    company: Company,
) -> None:
    path = f"/set-up/{company.set_up_token()}"
    scanner, owner, late = (Seat(company.app.test_client()) for _ in range(3))
    before = company.rows()
    for _ in range(3):
        page = scanner.page(path)
        assert scanner.open("HEAD", path).status_code == 200
    assert company.rows() == before
    buttons = [e.text for e in page.all("button") if e.attributes.get("type") == "submit"]
    assert "Set password and sign in" in buttons
    refused = owner.post(path, {"password": "short"})
    assert refused.status_code == 422
    assert "Too short: at least 12 characters." in refused.text
    assert company.rows() == before
    used = owner.post(path, {"password": NEW_PASSWORD})
    assert (used.status_code, used.headers["Location"]) == (303, "/")
    assert _is_in(owner)
    after = company.rows()
    assert late.get(path).status_code == 404
    assert late.post(path, {"password": "another good password"}).status_code == 404
    assert company.rows() == after
    assert not _is_in(late)


def test_a_set_up_link_for_a_new_password_ends_after_half_an_hour(company: Company) -> None:
    path = f"/set-up/{company.set_up_token()}"
    seat = Seat(company.app.test_client())
    company.story.later(minutes=30, seconds=-1)
    assert seat.get(path).status_code == 200
    company.story.later(seconds=1)
    assert seat.get(path).status_code == 404
    assert seat.post(path, {"password": NEW_PASSWORD}).status_code == 404


def test_the_link_is_shown_once_to_the_administrator_who_made_it(company: Company) -> None:
    maker, other = company.seat(Role.ADMINISTRATOR), company.seat(Role.ADMINISTRATOR)
    path = f"/people/{company.colleague.id}"
    assert "http://localhost/set-up/" in maker.post(f"{path}/set-up-link").text
    assert "/set-up/" not in other.get(path).text
    assert "/set-up/" not in maker.get(path).text


def test_other_roles_mean_signing_in_again(company: Company) -> None:
    account = company.people[Role.SALES]
    seat = _signed_in(company.story, account.email)
    administrator = company.seat(Role.ADMINISTRATOR)
    version = next(
        e.attributes["value"]
        for e in administrator.page(f"/people/{account.id}").all("input")
        if e.attributes.get("name") == "version"
    )
    form = {"name": "S", "roles": "technician", "language": "en", "version": version}
    assert administrator.post(f"/people/{account.id}", form).status_code == 303
    assert not _is_in(seat)
    assert _signed_in(company.story, account.email).get("/m/").status_code == 200
