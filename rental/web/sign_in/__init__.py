"""The way in: sign-in, set-up links, sign-out, and how a visitor wants to see the page."""

from flask import Flask

from rental.web.sign_in import preferences, set_up, sign_in


def register(app: Flask) -> None:
    for area in (sign_in, set_up, preferences):
        app.register_blueprint(area.bp)
