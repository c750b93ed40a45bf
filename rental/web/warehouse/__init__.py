"""The phone of the warehouse: scan anything, put away, receive; and the card of a unit, for all phones."""

from flask import Flask

from rental.web.warehouse import put_away, receive, scan, unit_card


def register(app: Flask) -> None:
    for area in (scan, put_away, receive, unit_card):
        app.register_blueprint(area.bp)
