"""Refusals and failures, said once: as a form message, an HTML page or problem+json (RFC 9457)."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, jsonify, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException, SecurityError

from rental.core.db import reading
from rental.core.errors import ChangedMeanwhile, Conflict, DomainError, Forbidden, Invalid, NotFound, TooMany
from rental.web.refusals import refusal
from rental.web.uploads import MEGABYTE

log = logging.getLogger("rental.web")
_WITHOUT_PAGE = "Something went wrong. Please try again. / 問題が起きました。もう一度お試しください。"


@dataclass(frozen=True, slots=True)
class Action:
    """A way on from a problem page."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What happened and what to do, for people and for programs."""

    status: int
    title: str
    detail: str
    code: str
    actions: list[Action]
    field: str | None = None


def status_of(error: DomainError) -> int:
    """The HTTP status a refusal answers with."""
    for kind, status in ((Invalid, 422), (TooMany, 429), (Conflict, 409), (Forbidden, 403), (NotFound, 404)):
        if isinstance(error, kind):
            return status
    return 422


def put_into_form(form: FlaskForm, error: DomainError) -> int:
    """Shows the refusal at the field it is about, or above the form; returns the HTTP status."""
    field = form[error.field] if error.field and error.field in form else None
    if field is not None:
        field.errors = [*field.errors, refusal(error)]
    else:
        form.form_errors.append(refusal(error))
    return status_of(error)


def answer_program(error: DomainError, **more: Any) -> Response:
    """The refusal for a program that needs more than the sentence: what was done, where to go on."""
    status = status_of(error)
    problem = Problem(status, _title(status), refusal(error), error.code, [], error.field)
    return _as_json(problem, **more)


def retry_header(error: DomainError) -> dict[str, str]:
    """When asking again may help."""
    return {"Retry-After": str(error.retry_after)} if isinstance(error, TooMany) else {}


def answer_form_errors(form: FlaskForm) -> Response:
    """For a form that has no page of its own: a problem page that names the fields."""
    wrong = [item for item in form if item.errors]
    detail = " ".join(
        _("%(field)s: %(message)s", field=item.label.text, message=item.errors[0]) for item in wrong
    )
    name = wrong[0].name if wrong else None
    return _answer(Problem(422, _title(422), detail or _detail(400), "web.invalid_form", _ways_on(), name))


def init_app(app: Flask) -> None:
    app.register_error_handler(DomainError, _surely(_answer_refusal))
    app.register_error_handler(StaleDataError, _surely(lambda _error: _answer_refusal(ChangedMeanwhile())))
    app.register_error_handler(IntegrityError, _surely(_answer_collision))
    app.register_error_handler(CSRFError, _surely(_answer_csrf))
    app.register_error_handler(HTTPException, _surely(_answer_http))
    app.register_error_handler(Exception, _surely(_answer_failure))


def _surely(handler: Callable[[Any], ResponseReturnValue]) -> Callable[[Any], ResponseReturnValue]:
    """A problem page needs language and person, both from the database: without it a sentence is left."""

    def answer(error: Exception) -> ResponseReturnValue:
        try:
            reading().rollback()
            return handler(error)
        except Exception:
            log.exception("the problem page failed as well")
            return _plain(500, _WITHOUT_PAGE)

    return answer


def _answer_refusal(error: DomainError) -> ResponseReturnValue:
    status = status_of(error)
    answer = _answer(Problem(status, _title(status), refusal(error), error.code, _ways_on(), error.field))
    answer.headers.update(retry_header(error))
    return answer


def _answer_collision(error: IntegrityError) -> ResponseReturnValue:
    """Two people made the same thing at the same moment, and the database let only the first."""
    log.warning("%s %s met a constraint: %s", request.method, request.url_rule, error.orig)
    return _answer_refusal(ChangedMeanwhile())


def _answer_csrf(error: CSRFError) -> ResponseReturnValue:
    detail = _(
        "The form was open too long, or came from somewhere else. Go back, reload the page, send it again."
    )
    return _answer(
        Problem(400, _("This form is not valid any more"), detail, "web.csrf", _ways_on(), "csrf_token")
    )


def _answer_http(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None:
        return error.response
    status = error.code or 500
    if isinstance(error, SecurityError):  # a host that is not ours: no page of ours has an address there
        return _plain(status, "This host is not served here.")
    answer = _answer(Problem(status, _title(status), _detail(status), f"web.http_{status}", _ways_on()))
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            answer.headers[name] = value
    return answer


def _answer_failure(error: Exception) -> ResponseReturnValue:
    # The rule, not the address: an address may hold a set-up link.
    log.error("%s %s failed", request.method, request.url_rule, exc_info=error)
    return _answer(Problem(500, _title(500), _detail(500), "web.failure", _ways_on()))


def _plain(status: int, sentence: str) -> Response:
    return Response(f"{sentence}\n", status, content_type="text/plain; charset=utf-8")


def _answer(problem: Problem) -> Response:
    if request.accept_mimetypes.accept_html and not request.path.startswith("/api/"):
        answer = make_response(render_template("errors/problem.html", problem=problem))
        answer.status_code = problem.status
        return answer
    return _as_json(problem)


def _as_json(problem: Problem, **more: Any) -> Response:
    answer = jsonify(
        type="about:blank",
        status=problem.status,
        title=problem.title,
        detail=problem.detail,
        code=problem.code,
        field=problem.field,
        **more,
    )
    answer.content_type = "application/problem+json"
    answer.status_code = problem.status
    return answer


def _ways_on() -> list[Action]:
    return [Action(_("To the start page"), url_for("home.index"))]


def _title(status: int) -> str:
    return {
        400: _("This request is not valid"),
        401: _("Please sign in"),
        403: _("This is not for your role"),
        404: _("Nothing here"),
        405: _("This is not possible here"),
        409: _("The state has changed"),
        413: _("Too much at once"),
        422: _("Please check your entries"),
        429: _("Too many tries"),
    }.get(status, _("Something went wrong on our side"))


def _detail(status: int) -> str:
    return {
        400: _("The request could not be read. Go back and try it again."),
        401: _("You are not signed in any more. Sign in, then repeat what you were doing."),
        403: _("Your roles do not include this page. An administrator can change your roles."),
        404: _("There is nothing at this address, or it is not for you to see."),
        405: _("This address is only for another kind of request. Go back and use the button there."),
        413: _(
            "What was sent is larger than %(megabytes)s MB. Send less at once.", megabytes=_most_megabytes()
        ),
    }.get(
        status,
        _("Nothing was saved halfway. Try again; if it stays like this, tell an administrator the time."),
    )


def _most_megabytes() -> int:
    return (request.max_content_length or 0) // MEGABYTE
