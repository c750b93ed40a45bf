"""What `rental solve` says about a plan."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from rental.routing.check import check
from rental.routing.engine import Engine
from rental.routing.plan import Plan
from rental.routing.readers import Instance
from rental.routing.stop import AfterSeconds
from rental.routing.week import WeekLeftOut, WeekPlan
from rental.routing.week_check import check_week
from rental.routing.week_file import WeekInstance

NEEDS = {Engine.KERNEL: "numba", Engine.ORTOOLS: "ortools", Engine.PYVRP: "pyvrp"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A plan, who made it, and how long that took."""

    instance: Instance
    engine: Engine
    plan: Plan
    seconds: float
    cpu_seconds: float

    @property
    def faults(self) -> list[str]:
        broken = check(self.instance.problem, self.plan)
        return [f"{each.visit or each.person or ''} {each.message}".strip() for each in broken]

    def as_json(self) -> dict[str, Any]:
        """The cost is in the unit of the file."""
        cost = self.plan.cost / self.instance.scale
        return {
            "instance": self.instance.name,
            "engine": self.engine.value,
            "cost": int(cost) if cost == int(cost) else round(cost, 2),
            "routes": [[number_or_name(each) for each in route.visits] for route in self.plan.routes],
            "left_out": [number_or_name(each.visit) for each in self.plan.left_out],
            "seconds": round(self.seconds, 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
            "feasible": not self.faults,
        }


@dataclass(frozen=True, slots=True)
class WeekAnswer:
    """A plan of several days, who made it, and how long that took."""

    instance: WeekInstance
    engine: Engine
    plan: WeekPlan
    seconds: float
    cpu_seconds: float

    @property
    def faults(self) -> list[str]:
        broken = check_week(self.instance.week, self.plan)
        return [f"{each.visit or each.person or ''} {each.message}".strip() for each in broken]

    def as_json(self) -> dict[str, Any]:
        return {
            "instance": self.instance.name,
            "engine": self.engine.value,
            "cost": self.plan.cost,
            "days": [
                {
                    "name": name,
                    "routes": {r.person: [number_or_name(each) for each in r.visits] for r in plan.routes},
                    "cost": plan.cost,
                }
                for name, plan in zip(self.instance.week.days, self.plan.days, strict=True)
            ],
            "left_out": [
                {"visit": number_or_name(each.visit), "reason": each.reason.value, "day": self.day_name(each)}
                for each in self.plan.left_out
            ],
            "seconds": round(self.seconds, 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
            "feasible": not self.faults,
        }

    def day_name(self, each: WeekLeftOut) -> str | None:
        return None if each.day is None else self.instance.week.days[each.day]


def number_or_name(visit_id: str) -> int | str:
    return int(visit_id) if visit_id.isdecimal() else visit_id


def available() -> list[Engine]:
    """The engines that can be used on this machine."""
    return [engine for engine in Engine if engine not in NEEDS or find_spec(NEEDS[engine]) is not None]


def answer(
    instance: Instance,
    *,
    seconds: float,
    seed: int,
    engine: Engine,
    jobs: int = 1,
    tell: Callable[[float, float], None] | None = None,
) -> Answer:
    """Searches for so many seconds of processor time, all processes together.

    `tell` hears the seconds and the cost of better plans.
    """

    def told(passed: float, yen: int, _plan: Plan) -> None:
        if tell is not None:
            tell(passed, yen / instance.scale)

    # Loaded only when it is wanted: the optimiser takes a second.
    from rental.routing.solve import solve

    began, cpu = time.monotonic(), time.process_time()
    clock = time.process_time if jobs == 1 else time.monotonic
    stop = AfterSeconds(seconds / jobs)
    plan = solve(instance.problem, stop, seed, progress=told, engine=engine, clock=clock, jobs=jobs)
    passed = time.monotonic() - began
    spent = time.process_time() - cpu if jobs == 1 else passed * jobs
    return Answer(instance, engine, plan, passed, spent)


def answer_week(
    instance: WeekInstance, *, seconds: float, seed: int, engine: Engine, jobs: int = 1
) -> WeekAnswer:
    """The same for several days."""
    from rental.routing.week_solve import solve_week

    began, cpu = time.monotonic(), time.process_time()
    clock = time.process_time if jobs == 1 else time.monotonic
    stop = AfterSeconds(seconds / jobs)
    plan = solve_week(instance.week, stop, seed, engine=engine, clock=clock, jobs=jobs)
    passed = time.monotonic() - began
    return WeekAnswer(
        instance, engine, plan, passed, time.process_time() - cpu if jobs == 1 else passed * jobs
    )
