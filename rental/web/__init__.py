"""The faces of the product, and what every request passes through."""

from typing import Any

from flask import Flask
from flask_babel import Babel

from rental.web import account as own_account
from rental.web import (
    assets,
    console,
    context,
    dispatch_board,
    field_api,
    formats,
    guards,
    headers,
    health,
    label_codes,
    portal,
    problems,
    sentences,
    sign_in,
    styleguide,
    technician,
    templating,
    uploads,
    warehouse,
)
from rental.web.form_tokens import FormTokens


def init_app(app: Flask) -> None:
    """Registers every face. Raises RuntimeError when a route says neither who may use it nor that all may."""
    app.ensure_sync = _as_it_is  # type: ignore[method-assign,assignment]
    templating.init_app(app)
    uploads.init_app(app)  # before anything reads the form
    FormTokens(app)
    Babel(
        app,
        default_translation_directories=str(app.root_path) + "/rental/translations",
        locale_selector=context.current_locale,
        timezone_selector=context.current_zone_name,
    )
    assets.init_app(app)
    formats.init_app(app)
    sentences.init_app(app)
    context.init_app(app)
    guards.init_app(app)
    headers.init_app(app)
    problems.init_app(app)

    for face in (
        health,
        sign_in,
        own_account,
        label_codes,
        console,
        dispatch_board,
        technician,
        warehouse,
        field_api,
        portal,
    ):
        face.register(app)
    if app.config["RENTAL"].is_development:
        styleguide.register(app)
    guards.verify_routes(app)


def _as_it_is(function: Any) -> Any:
    """Nothing of ours is async; Flask would look at every function of every request again."""
    return function
