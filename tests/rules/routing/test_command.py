"""`rental solve` as somebody types it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from rental.routing.command import solve

R101 = Path(__file__).parent / "instances" / "R101.txt"


def test_the_plan_is_told_as_json_and_drawn(tmp_path: Path) -> None:
    picture = tmp_path / "plan.svg"
    result = CliRunner().invoke(solve, [str(R101), "--seconds", "0.2", "--json", "--svg", str(picture)])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["instance"], report["feasible"], report["left_out"]) == ("R101", True, [])
    assert sorted(each for route in report["routes"] for each in route) == list(range(1, 101))
    drawn = picture.read_text(encoding="utf-8")
    assert drawn.startswith("<svg")
    assert drawn.count("<polyline") == len(report["routes"])
    assert drawn.count("<circle") == 100


def test_routes_are_listed_for_a_reader() -> None:
    result = CliRunner().invoke(solve, [str(R101), "--seconds", "0.1"])
    assert result.exit_code == 0
    *routes, last = result.stdout.splitlines()
    assert all(re.fullmatch(r" *\d+: [\d ]+", line) for line in routes)
    assert re.fullmatch(r"R101: [\d.]+ by auto, 0 left out", last)


def test_what_cannot_be_read_is_told_in_a_line(tmp_path: Path) -> None:
    bad = tmp_path / "day.json"
    bad.write_text("{")
    result = CliRunner().invoke(solve, [str(bad)])
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert "line 1" in result.stderr
    assert CliRunner().invoke(solve, []).exit_code == 2


@pytest.mark.slow
def test_progress_is_one_line_where_somebody_is_looking() -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-c", "from rental.routing.command import solve; solve()", str(R101)]
    done = subprocess.run(
        [*command, "--seconds", "0.5"], stdout=subprocess.PIPE, stderr=theirs, check=True, timeout=60
    )
    os.close(theirs)
    said = os.read(ours, 65_536).decode()
    os.close(ours)
    assert re.fullmatch(r"(?:\r +[\d.]+ s  [\d,.]+   )+", said)
    assert b" s  " not in done.stdout
