"""The dispatcher's pages: routes of a day, and the technicians who drive them."""

from flask import Flask

from rental.web.dispatch_board import plans, technicians


def register(app: Flask) -> None:
    for area in (plans, technicians):
        app.register_blueprint(area.bp)
