"""The office: people, jobs, checks, audit log."""

from flask import Flask

from rental.web.console import audit_log, checks, home, jobs, people


def register(app: Flask) -> None:
    for area in (home, people, jobs, checks, audit_log):
        app.register_blueprint(area.bp)
