"""Whether this process lives, and whether it can do its work; for supervisors and load balancers."""

from flask import Blueprint, Flask, Response, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from rental.core.db import reading
from rental.core.runtime import runtime
from rental.web.guards import public

bp = Blueprint("health", __name__)


def register(app: Flask) -> None:
    app.register_blueprint(bp)


@bp.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return Response("ok\n", content_type="text/plain; charset=utf-8")


@bp.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    """The database answers and has its tables. Without a queue we are ready all the same: work waits."""
    try:
        reading().execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    except SQLAlchemyError:
        return jsonify(database="down"), 503
    return jsonify(database="up", queue="up" if runtime().doorbell.room() else "down or full")
