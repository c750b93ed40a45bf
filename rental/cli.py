"""The `rental` command."""

import gc
import json
import logging
import sys
from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import Any, TextIO

import click
from flask import Flask
from flask_babel import force_locale
from flask_migrate import downgrade, upgrade

from rental.app import create_app
from rental.assurance.checks import as_report, ask_all
from rental.billing.closing_months import close_month
from rental.billing.due import preview_run
from rental.billing.queries import progress_of
from rental.billing.runs import open_run
from rental.billing.usage_readings import readings_in, take_readings
from rental.config import Config, SettingError, read_config
from rental.core import sealing
from rental.core.audit import plain
from rental.core.bus import Queue
from rental.core.business_date import business_today, pinned_business_date
from rental.core.db import db, reading, reading_snapshot
from rental.core.errors import DomainError
from rental.core.runtime import runtime
from rental.core.uow import begin, system
from rental.demo.clock import pin_business_date
from rental.demo.company import load_company, summary_of
from rental.demo.people import keep_passwords, kept_sign_ins
from rental.demo.progress import said_month_by_month
from rental.demo.sizes import Profile
from rental.identity.accounts import invite_account, normalised, open_set_up_link
from rental.identity.permissions import Role
from rental.identity.queries import account_exists, account_with_email
from rental.periodic import run_ticks
from rental.routing.command import solve
from rental.web.refusals import refusal
from rental.wiring import flows as flow_table
from rental.wiring import wire
from rental.worker import run_worker

CLI = system("cli")
DEMO = system("demo")
EXIT_FINDING = 2


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


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Genba: rents hardware by subscription and keeps it working on site."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)


main.add_command(solve)


@main.group("db")
def database() -> None:
    """The database and its migrations."""


@database.command("upgrade")
@click.argument("revision", default="head")
@with_app
def upgrade_database(app: Flask, revision: str) -> None:
    """Brings the tables up to this release."""
    _migrate(revision)


@database.command("downgrade")
@click.argument("revision")
@with_app
def downgrade_database(app: Flask, revision: str) -> None:
    """Takes the tables back to an earlier revision."""
    downgrade(revision=revision)


@main.command()
@click.option("--profile", type=click.Choice([profile.value for profile in Profile]), default=Profile.M.value)
@click.option(
    "--empty", is_flag=True, help="No demo company: print a set-up link for the first administrator."
)
@with_app
def prepare(app: Flask, profile: str, empty: bool) -> None:
    """Migrates, fills an empty database, and prints as JSON how to sign in. For scripts/run."""
    _migrate("head")
    config = _config(app)
    is_new = not account_exists(reading())
    reading().rollback()
    set_up_link = None
    if is_new and empty:
        set_up_link = _invite_administrator("admin@example.jp", "Administrator")
    elif is_new:
        _load_demo(config, Profile(profile))
    print(
        json.dumps(
            {
                "loaded": is_new and not empty,
                "set_up_link": set_up_link,
                "sign_ins": [] if empty else kept_sign_ins(config.home),
            },
            ensure_ascii=False,
        )
    )


@main.group()
def demo() -> None:
    """The invented company to try the product with."""


@demo.command("load")
@click.option("--profile", type=click.Choice([profile.value for profile in Profile]), default=Profile.M.value)
@with_app
def load_demo(app: Flask, profile: str) -> None:
    """Fills an empty database."""
    if account_exists(reading()):
        raise click.ClickException("the demo company goes into an empty database only; this one has accounts")
    reading().rollback()
    _load_demo(_config(app), Profile(profile))
    print(summary_of(reading()))


@demo.command("accounts")
@with_app
def show_demo_accounts(app: Flask) -> None:
    """One sign-in per role."""
    for entry in kept_sign_ins(_config(app).home):
        print(f"{entry['role']:14} {entry['email']:24} {entry['password']}")


@demo.command("clock")
@click.argument("day", type=click.DateTime(formats=["%Y-%m-%d"]))
@with_app
def set_demo_clock(app: Flask, day: datetime) -> None:
    """Moves the business date of the demo company to DAY (YYYY-MM-DD)."""
    if pinned_business_date(reading()) is None:
        raise click.ClickException("no demo company is loaded here; a real company's day is the calendar's")
    reading().rollback()
    with begin(CLI) as uow:
        uow.because("demo clock")
        pin_business_date(uow, day.date())


@main.group()
def account() -> None:
    """Accounts, when nobody can sign in to the console."""


@account.command("set-up-link")
@click.argument("email")
@click.option("--new-administrator", "name", metavar="NAME", help="Let somebody new in, as administrator.")
@with_app
def make_set_up_link(app: Flask, email: str, name: str | None) -> None:
    """A one-time link for the person with EMAIL to choose a password."""
    known = account_with_email(reading(), normalised(email))
    known_id = known.id if known else None
    reading().rollback()
    if known_id is None:
        if not name:
            raise click.ClickException("nobody has this e-mail; let them in with --new-administrator NAME")
        print(_invite_administrator(email, name))
        return
    with begin(CLI) as uow:
        uow.because("set-up link asked for at the command line")
        token = open_set_up_link(uow, known_id)
    print(_set_up_url(token))


@main.command()
@click.option(
    "--queue",
    "queues",
    multiple=True,
    type=click.Choice([queue.value for queue in Queue]),
    help="Only this queue; may be given several times. All of them unless given.",
)
@with_app
def worker(app: Flask, queues: tuple[str, ...]) -> None:
    """Runs queued work until told to stop."""
    url = _config(app).redis_url
    if not url:
        raise click.ClickException("REDIS_URL is not set: without it nothing can wake a worker")
    run_worker(app, url, [Queue(name) for name in queues] or list(Queue))


@main.command()
@with_app
def tick(app: Flask) -> None:
    """Keeps the clock: seals the audit log, rings for waiting work, starts what is due."""
    run_ticks()


@main.command()
def flows() -> None:
    """Prints which facts lead to which reactions."""
    print(flow_table(wire()), end="")


@main.group("audit")
def audit_group() -> None:
    """The audit log."""


@audit_group.command("verify")
@with_app
def verify_audit(app: Flask) -> None:
    """Computes every seal again; exit 2 when an entry is not as it was sealed."""
    with reading_snapshot() as snapshot:
        seen = sealing.verify(snapshot)
    print(f"{seen.sealed_count} sealed, {seen.unsealed_count} not sealed yet, head {seen.head}")
    for broken in seen.broken:
        print(f"  {broken.sequence}: {broken.problem} {broken.entry_id or ''}".rstrip())
    if seen.broken:
        sys.exit(EXIT_FINDING)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="The whole report as JSON.")
@with_app
def check(app: Flask, as_json: bool) -> None:
    """Asks the database whether all is well, in one snapshot; exit 2 on a finding. Writes nothing."""
    now = runtime().clock.now()
    with reading_snapshot() as snapshot:
        given = ask_all(snapshot, now)
    report = as_report(given)
    if as_json:
        print(json.dumps(report, ensure_ascii=False, indent=1, default=str))
    else:
        for answer in given.answers:
            print(f"{'ok  ' if not answer.rows else 'FAIL'} {answer.check.code:4} {answer.check.question}")
            for row in answer.rows[:20]:
                print(f"       {row}")
            if answer.rows:
                print(f"     → {answer.check.cure}")
    if report["finding_count"]:
        sys.exit(EXIT_FINDING)


@main.command()
@click.option(
    "--closing", required=True, type=click.DateTime(formats=["%Y-%m-%d"]), help="The day that is closed."
)
@click.option("--account", metavar="NUMBER", help="Bill only this billing account.")
@click.option("--dry-run", is_flag=True, help="Only say what would be billed; writes nothing.")
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON.")
@with_app
def bill(app: Flask, closing: datetime, account: str | None, dry_run: bool, as_json: bool) -> None:
    """Closes a day: every account that closes then is billed by the workers.

    Closing a day again bills what has become known since, and nothing twice.
    """
    chunk_size = _config(app).billing_chunk
    closed_on = closing.date()
    report = _foresee(closed_on, account) if dry_run else _close(closed_on, account, chunk_size)
    if as_json:
        print(json.dumps(report, ensure_ascii=False, indent=1))
        return
    for name, value in report.items():
        if isinstance(value, list):
            for row in value:
                print("  " + "  ".join(str(cell) for cell in row.values()))
        else:
            print(f"{name}: {value}")


@main.command("close-month")
@click.argument("month", type=click.DateTime(formats=["%Y-%m"]))
@with_app
def close_month_of_books(app: Flask, month: datetime) -> None:
    """Closes a month of the books, such as 2026-10, and open ones before it; a closed one stays as it is."""
    with begin(CLI) as uow:
        told = [f"{each.month:%Y-%m}: {each.amount.minor_units:,}" for each in close_month(uow, month.date())]
    print("\n".join(told) or f"{month:%Y-%m} was closed before")


@main.group()
def usage() -> None:
    """What customers used."""


@usage.command("import")
@click.argument("file", type=click.File(encoding="utf-8-sig"))
@with_app
def import_usage(app: Flask, file: TextIO) -> None:
    """Takes in a CSV file of readings, all or none; what was told before counts once."""
    with begin(CLI) as uow:
        taken = take_readings(uow, readings_in(file))
    print(f"{taken.new} new, {taken.known} known before")


def _close(closed_on: date, account: str | None, chunk_size: int) -> dict[str, Any]:
    with begin(CLI) as uow:
        run_id = open_run(uow, closed_on, account=account, chunk_size=chunk_size).id
    progress = progress_of(reading(), [run_id])[run_id]
    return {
        "closed_on": closed_on.isoformat(),
        "billing_run_id": str(run_id),
        "state": progress.state.value,
        "account_count": progress.account_count,
        "invoice_count": progress.invoice_count,
        "total": progress.total.minor_units,
    }


def _foresee(closed_on: date, account: str | None) -> dict[str, Any]:
    current = runtime()
    with reading_snapshot() as snapshot:
        today = business_today(snapshot, current.clock.now(), current.zone)
        foreseen = preview_run(snapshot, closed_on, today=today, account=account)
    due = [(each, document) for each in foreseen for document in each.documents]
    return {
        "closed_on": closed_on.isoformat(),
        "invoice_count": len(due),
        "total": sum(document.draft.totals.total.minor_units for _billed, document in due),
        "invoices": [
            {
                "billing_account": each.account.number,
                "recipient": each.account.name,
                "closed_on": document.closed_on.isoformat(),
                "for": document.group.title or None,
                "due_on": document.draft.due_on.isoformat(),
                "total": document.draft.totals.total.minor_units,
                "held": each.doubt.code if each.doubt else None,
            }
            for each, document in due
        ],
        "refused": [
            {
                "billing_account": each.account.number,
                "reason": each.refusal.code,
                **plain(each.refusal.params),
            }
            for each in foreseen
            if each.refusal
        ],
    }


def _config(app: Flask) -> Config:
    config: Config = app.config["RENTAL"]
    return config


def _migrate(revision: str) -> None:
    config = read_config()
    config.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    upgrade(revision=revision)
    if config.database_url.startswith("sqlite:///"):
        Path(config.database_url.removeprefix("sqlite:///")).chmod(0o600)


def _load_demo(config: Config, profile: Profile) -> None:
    # Everything made here is kept to the end: looking for garbage among it takes a twentieth of the time.
    gc.set_threshold(200_000, 20, 100)
    with begin(DEMO) as uow:
        keep_passwords(config.home, load_company(uow, profile, said_month_by_month()))


def _invite_administrator(email: str, name: str) -> str:
    with begin(CLI) as uow:
        uow.because("first administrator")
        invitation = invite_account(
            uow, email=email, name=name, roles=frozenset({Role.ADMINISTRATOR}), language="ja"
        )
    return _set_up_url(invitation.token)


def _set_up_url(token: str) -> str:
    return read_config().set_up_url(token)
