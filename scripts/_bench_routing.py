"""Routes side by side: our search, OR-Tools, PyVRP and VROOM on the same problems, on the processor's clock.

Every engine gets the same seconds of processor time in one process; VROOM ends by itself. Plans of all
engines are checked and priced by our rules. The gap is to the best known plan of the literature, where one is
given in a file `bks.csv` beside the folders of instances, else to the best plan of this run. Instances are
read where they lie and never copied; `--out` writes the table and every run into files as well.
"""

import argparse
import csv
import json
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from statistics import mean
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from rental.routing.answers import answer, available
from rental.routing.check import check
from rental.routing.draft import Draft
from rental.routing.engine import Engine
from rental.routing.problem import InvalidProblem, Problem
from rental.routing.readers import Instance, read
from rental.routing.stop import AfterIterations

OWN_INSTANCES = Path(__file__).parents[1] / "tests" / "rules" / "routing" / "instances"
FORMS = {  # of each set
    "solomon": "solomon",
    "homberger": "homberger",
    "kovacs": "kovacs",
    "kovacs-full": "kovacs",
    "pillac": "pillac",
}
SETS = tuple(FORMS)
FOLDERS = {"solomon": "solomon", "homberger": "homberger", "kovacs": "kovacs_strsp", "pillac": "pillac_trsp"}
PATTERNS = {"kovacs": "techniciansReduced_*.txt", "kovacs-full": "technicians_*.txt"}
VROOM = "vroom"


@dataclass(frozen=True, slots=True)
class Run:
    """One engine on one problem with one seed."""

    instance: str
    set: str
    engine: str
    seconds: float
    seed: int
    cost: float
    left_out: int
    cpu_seconds: float
    faults: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench routing", description=__doc__)
    parser.add_argument("--instances", type=Path, default=OWN_INSTANCES, help="a folder, or folders in it")
    parser.add_argument("--sets", nargs="+", choices=SETS, help="only these")
    parser.add_argument("--only", default="", help="names of instances, with commas between them")
    parser.add_argument(
        "--seconds", type=float, nargs="+", default=[5.0], help="of processor time for each plan"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--engines", default="", help="names of engines, with commas between them")
    parser.add_argument("--out", type=Path, help="write the table to OUT.md and every run to OUT.json")
    parser.add_argument("--json", action="store_true", help="print every run as JSON")
    options = parser.parse_args()
    known = best_known(options.instances)
    engines = options.engines.split(",") if options.engines else every_engine()
    only = set(filter(None, options.only.split(",")))
    chosen = [
        (kind, path)
        for kind, path in instances(options.instances, options.sets)
        if path.stem in (only or [path.stem])
    ]
    if not chosen:
        parser.error(f"there is nothing to plan in {options.instances}")
    runs: list[Run] = []
    warm_up()
    for kind, path in chosen:
        instance = read(path, FORMS[kind])
        for engine, seconds, seed in product(engines, options.seconds, options.seeds):
            if engine == VROOM and (seconds, seed) != (options.seconds[0], options.seeds[0]):
                continue  # it ends by itself, and knows no seed
            run = measured(path.stem, kind, instance, engine, seed, seconds)
            if run is None:
                print(f"{path.stem:28} {engine:8} has no words for it", file=sys.stderr, flush=True)
                break
            runs.append(run)
            if options.json:
                print(json.dumps(asdict(run)), flush=True)
            else:
                print(f"{run.instance:28} {engine:8} {seconds:4g} s {seed} {run.cost:12,.2f}", flush=True)
    report = table(runs, known)
    if options.out:
        options.out.with_suffix(".md").write_text(report + "\n", encoding="utf-8")
        facts = [asdict(run) for run in runs]
        options.out.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    if not options.json:
        print(report)


def every_engine() -> list[str]:
    engines = [engine.value for engine in available() if engine is not Engine.AUTO]
    try:
        import vroom  # noqa: F401
    except ImportError:
        return engines
    return [*engines, VROOM]


def best_known(folder: Path) -> dict[str, float]:
    for path in (folder / "bks.csv", folder.parent / "bks.csv"):
        if path.exists():
            with path.open(encoding="utf-8") as lines:
                rows = list(csv.DictReader(lines))
            return {row["instance"].partition("/")[2]: float(row["best_known"]) for row in rows}
    return {}


def instances(folder: Path, sets: list[str] | None) -> Iterator[tuple[str, Path]]:
    """The set of each file, and where it is. A folder without sets in it holds Solomon's."""
    for kind in sets or ["solomon", "homberger", "kovacs", "pillac"]:
        inside = folder / FOLDERS[FORMS[kind]]
        if inside.is_dir():
            for path in sorted(inside.glob(PATTERNS.get(kind, "*.txt"))):
                yield kind, path
    if not any((folder / name).is_dir() for name in FOLDERS.values()):
        for path in sorted(folder.glob("*.txt")):
            yield "solomon", path


def warm_up() -> None:
    """Compiled and loaded before anything is measured."""
    from rental.routing.solve import solve

    instance = read(OWN_INSTANCES / "R101.txt", "solomon")
    solve(instance.problem, AfterIterations(10), seed=1)


def measured(name: str, kind: str, instance: Instance, engine: str, seed: int, seconds: float) -> Run | None:
    """None where the engine cannot say all that the problem does."""
    try:
        if engine == VROOM:
            began = time.process_time()
            plan = planned_by_vroom(instance.problem).plan()
            cpu = time.process_time() - began
        else:
            found = answer(instance, seconds=seconds, seed=seed, engine=Engine(engine))
            plan, cpu = found.plan, found.cpu_seconds
    except InvalidProblem:
        return None
    faults = len(check(instance.problem, plan))
    cost = plan.cost / instance.scale
    return Run(name, kind, engine, seconds, seed, cost, len(plan.left_out), cpu, faults)


def planned_by_vroom(problem: Problem) -> Draft:
    """At its highest level. It has no levels of skills and no values in money."""
    import vroom

    skills = {skill: number for number, skill in enumerate(sorted(every_skill(problem)))}
    model = vroom.Input()
    model.set_durations_matrix("car", problem.ways.seconds.astype("uint32"))
    model.set_costs_matrix("car", problem.ways.metres.astype("uint32"))
    for number, person in enumerate(problem.people):
        model.add_vehicle(
            vroom.Vehicle(
                number,
                start=person.start_place,
                end=person.end_place,
                capacity=[min(person.volume or 0, 2**31)],
                skills={skills[each] for each in person.skills.items() if each in skills},
                time_window=vroom.TimeWindow(person.shift_starts, person.latest_end),
            )
        )
    for number, visit in enumerate(problem.visits):
        model.add_job(
            vroom.Job(
                number,
                location=visit.place,
                default_service=visit.service_seconds,
                delivery=vroom.Amount([visit.volume]),
                skills={skills[each] for each in visit.skills.items()},
                time_windows=[vroom.TimeWindow(window.opens, window.closes) for window in visit.windows],
            )
        )
    solution: Any = model.solve(exploration_level=5, nb_threads=1)
    sequences: dict[str, list[str]] = {}
    for step in solution.routes.itertuples():
        if step.type == "job":
            who = problem.people[int(step.vehicle_id)].id
            sequences.setdefault(who, []).append(problem.visits[int(step.id)].id)
    return Draft.of(problem, sequences)


def every_skill(problem: Problem) -> Iterable[tuple[str, int]]:
    return {each for visit in problem.visits for each in visit.skills.items()}


def table(runs: list[Run], known: dict[str, float]) -> str:
    """Mean and worst gap in percent of each engine on each set, over instances and seeds."""
    lines = [
        "",
        "| Set | Engine | Seconds | instances | mean gap % | worst % | on | left out | CPU s | faults |",
        "|" + "---|" * 10,
    ]
    bests = {
        name: known.get(name, min(run.cost for run in runs if run.instance == name))
        for name in {run.instance for run in runs}
    }
    for kind, engine, seconds in dict.fromkeys((run.set, run.engine, run.seconds) for run in runs):
        own = [run for run in runs if (run.set, run.engine, run.seconds) == (kind, engine, seconds)]
        gaps = {
            name: mean(100 * (run.cost / bests[name] - 1) for run in own if run.instance == name)
            for name in dict.fromkeys(run.instance for run in own)
        }
        worst = max(gaps, key=lambda name: gaps[name])
        lines.append(
            f"| {kind} | {engine} | {'ends' if engine == VROOM else f'{seconds:g}'} | {len(gaps)} "
            f"| {mean(gaps.values()):.2f} | {gaps[worst]:.2f} | {worst} "
            f"| {sum(run.left_out for run in own)} | {mean(run.cpu_seconds for run in own):.1f} "
            f"| {sum(run.faults for run in own)} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
