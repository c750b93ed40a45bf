"""How a command of `rental` is run: inside the app, with one sentence where it is refused."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from flask import Flask
from flask_babel import force_locale

from rental.app import create_app
from rental.config import Config, SettingError
from rental.core.db import db
from rental.core.errors import DomainError
from rental.core.uow import system
from rental.web.refusals import refusal

CLI = system("cli")


def with_app(command: Callable[..., Any]) -> Callable[..., Any]:
    """Runs the command inside the app; says in one sentence what is wrong with the settings."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            app = create_app()
        except SettingError as error:
            raise click.ClickException(str(error)) from error
        with app.app_context():
            try:
                return command(app, *args, **kwargs)
            except DomainError as error:
                with force_locale("en"):
                    raise click.ClickException(f"{refusal(error)} ({error.code})") from error
            finally:
                db.session.remove()
                db.engine.dispose()

    return run


def config_of(app: Flask) -> Config:
    """The settings the app was made with."""
    config: Config = app.config["RENTAL"]
    return config
