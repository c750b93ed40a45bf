"""What everybody has: an own account and notices."""

from flask import Flask

from rental.web.account import notices, own_account


def register(app: Flask) -> None:
    app.register_blueprint(own_account.bp)
    app.register_blueprint(notices.bp)
