"""The app factory: configuration, extensions, faces, guards."""

from pathlib import Path

from flask import Flask
from flask_migrate import Migrate
from werkzeug.middleware.proxy_fix import ProxyFix

from rental import web
from rental.config import Config, read_config
from rental.core.bus import Doorbell, NoDoorbell
from rental.core.clock import SystemClock
from rental.core.db import db, engine_options
from rental.core.files import FolderStore
from rental.core.mail import NoPost, SmtpPost
from rental.core.runtime import Runtime
from rental.wiring import wire
from rental.worker import RqDoorbell, connect

PACKAGE = Path(__file__).parent


def create_app(config: Config | None = None) -> Flask:
    """One installation of the product. Raises SettingError when the environment cannot be right."""
    settings = config or read_config()
    app = Flask(
        "rental",
        root_path=str(PACKAGE.parent),
        template_folder="templates",
        static_folder="static",
    )
    app.config.from_mapping(
        RENTAL=settings,
        SECRET_KEY=settings.secret_key,
        SECRET_KEY_FALLBACKS=list(settings.secret_key_fallbacks),
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(
            settings.database_url, is_pooled=settings.database_is_pooled
        ),
        TRUSTED_HOSTS=list(settings.trusted_hosts),
        MAX_CONTENT_LENGTH=1024 * 1024,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
        MAX_FORM_PARTS=500,
        SESSION_COOKIE_NAME="__Host-genba_form" if settings.is_https else "genba_form",
        SESSION_COOKIE_SECURE=settings.is_https,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,
    )
    if settings.proxy_count:
        count = settings.proxy_count
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]

    db.init_app(app)
    Migrate(app, db, directory=str(PACKAGE / "migrations"), render_as_batch=True)
    app.extensions["rental"] = Runtime(
        clock=SystemClock(),
        zone=settings.time_zone,
        bus=wire(),
        doorbell=_doorbell(settings),
        files=FolderStore(settings.home / "files"),
        post=SmtpPost(settings.smtp_url) if settings.smtp_url else NoPost(),
        roads_url=settings.roads_url,
        roads_version=settings.roads_version,
    )
    web.init_app(app)
    return app


def _doorbell(settings: Config) -> Doorbell:
    return RqDoorbell(connect(settings.redis_url)) if settings.redis_url else NoDoorbell()
