"""The customer's own pages."""

from flask import Blueprint, Flask, render_template
from flask.typing import ResponseReturnValue

from rental.identity.permissions import Permission
from rental.web.guards import requires

bp = Blueprint("portal", __name__, url_prefix="/portal")


def register(app: Flask) -> None:
    app.register_blueprint(bp)


@bp.get("/")
@requires(Permission.PORTAL)
def home() -> ResponseReturnValue:
    return render_template("portal/home.html")
