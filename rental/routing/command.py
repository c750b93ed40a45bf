"""`rental solve`: plans the routes of a file."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import click

from rental.routing.answers import answer, answer_week, available
from rental.routing.drawing import as_svg
from rental.routing.engine import Engine
from rental.routing.problem import InvalidProblem
from rental.routing.readers import READERS, BadFile, read
from rental.routing.week_file import WeekInstance, is_week, read_week


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.option("--format", "form", type=click.Choice(sorted(READERS)), help="What is in the file.")
@click.option("--seconds", type=click.FloatRange(min=0), default=5.0, help="Of processor time.")
@click.option("--seed", type=int, default=1)
@click.option("--engine", type=click.Choice([engine.value for engine in Engine]), default=Engine.AUTO.value)
@click.option("--jobs", type=click.IntRange(1, 16), default=1, help="Processes that search side by side.")
@click.option("--convention", type=click.Choice(["dimacs"]), help="How distances of benchmarks are counted.")
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="Draw the plan into this file.")
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON.")
@click.option("--list-engines", is_flag=True, help="Only say who can search here.")
def solve(
    file: Path | None,
    form: str | None,
    seconds: float,
    seed: int,
    engine: str,
    jobs: int,
    convention: str | None,
    svg: Path | None,
    as_json: bool,
    list_engines: bool,
) -> None:
    """Plans the routes of FILE: a benchmark of the literature, or a day or a week as JSON."""
    if list_engines:
        click.echo("\n".join(each.value for each in available()))
        return
    if file is None:
        raise click.UsageError("Missing argument 'FILE'.")
    try:
        if is_week(file, form):
            _say_week(read_week(file), seconds, seed, Engine(engine), jobs, as_json=as_json)
            return
        found = answer(
            read(file, form),
            seconds=seconds,
            seed=seed,
            engine=Engine(engine),
            jobs=jobs,
            tell=_say_progress(),
        )
    except (BadFile, InvalidProblem) as error:
        raise click.ClickException(str(error)) from error
    except ImportError as error:
        raise click.ClickException(f"the engine {engine!r} is not installed here: {error}") from error
    if svg is not None:
        svg.write_text(as_svg(found.instance.problem, found.plan), encoding="utf-8")
    report = found.as_json()
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False))
        return
    for number, route in enumerate(report["routes"], start=1):
        click.echo(f"{number:3}: {' '.join(str(each) for each in route)}")
    click.echo(
        f"{report['instance']}: {report['cost']} by {report['engine']}, {len(report['left_out'])} left out"
    )


def _say_week(
    instance: WeekInstance, seconds: float, seed: int, engine: Engine, jobs: int, *, as_json: bool
) -> None:
    report = answer_week(instance, seconds=seconds, seed=seed, engine=engine, jobs=jobs).as_json()
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False))
        return
    for day in report["days"]:
        click.echo(f"{day['name']}: {day['cost']}")
        for person, route in day["routes"].items():
            click.echo(f"  {person}: {' '.join(str(each) for each in route)}")
    for each in report["left_out"]:
        click.echo(f"left out: {each['visit']} ({each['reason']}{', ' + each['day'] if each['day'] else ''})")
    click.echo(
        f"{report['instance']}: {report['cost']} by {report['engine']}, {len(report['left_out'])} left out"
    )


def _say_progress() -> Callable[[float, float], None] | None:
    """One line on the error stream that is written over, where somebody is looking."""
    if not sys.stderr.isatty():
        return None

    def say(seconds: float, cost: float) -> None:
        click.echo(f"\r{seconds:6.1f} s  {cost:,.1f}   ", nl=False, err=True)

    return say
