"""The phone of technicians and warehouse staff."""

from flask import Blueprint, Flask, render_template
from flask.typing import ResponseReturnValue

from rental.identity.permissions import Permission
from rental.web.guards import requires

bp = Blueprint("phone", __name__, url_prefix="/m")


def register(app: Flask) -> None:
    app.register_blueprint(bp)


@bp.get("/")
@requires(Permission.PHONE)
def today() -> ResponseReturnValue:
    return render_template("technician/today.html")
