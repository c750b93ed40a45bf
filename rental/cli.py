"""The `rental` command."""

import gc
import json
import logging
import sys
from datetime import datetime
from pathlib import Path

import click
from flask import Flask
from flask_migrate import downgrade, upgrade

from rental.assurance.checks import as_report, ask_all
from rental.billing_commands import bill, close_month_of_books, usage
from rental.commands import CLI, config_of, with_app
from rental.config import Config, read_config
from rental.core import sealing
from rental.core.bus import Queue
from rental.core.business_date import pinned_business_date
from rental.core.db import reading, reading_snapshot
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
from rental.wiring import flows as flow_table
from rental.wiring import wire
from rental.worker import run_worker

DEMO = system("demo")
EXIT_FINDING = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Genba: rents hardware by subscription and keeps it working on site."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)


for command in (solve, bill, close_month_of_books, usage):
    main.add_command(command)


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
    config = config_of(app)
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
    _load_demo(config_of(app), Profile(profile))
    print(summary_of(reading()))


@demo.command("accounts")
@with_app
def show_demo_accounts(app: Flask) -> None:
    """One sign-in per role."""
    for entry in kept_sign_ins(config_of(app).home):
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
    url = config_of(app).redis_url
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
