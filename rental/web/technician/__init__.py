"""The phone of technicians: the stops of the day, and each job from setting off to done."""

from flask import Flask

from rental.web.technician import finishing, photos, today, work_order


def register(app: Flask) -> None:
    for area in (today, work_order, photos, finishing):
        app.register_blueprint(area.bp)
