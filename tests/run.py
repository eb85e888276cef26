"""`make test`: runs the stages, then prints a table of them and what was not run and why."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from tests.environments import EnvironmentNotReady
from tests.stages import Run, Stage, StageFailed, StageNotRun, all_stages
from tests.system import CannotInstall


@dataclass(frozen=True)
class Outcome:
    """How one stage ended."""

    stage: str
    result: str
    seconds: float
    why: str = ""


@dataclass
class Counts:
    """Tests counted over all reports."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    reasons: tuple[str, ...] = ()

    def add(self, report: Path) -> None:
        """Adds a JUnit report; one that is not there or broken adds nothing."""
        if not report.exists():
            return
        for case in ElementTree.parse(report).iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                self.failed += 1
            elif (skipped := case.find("skipped")) is not None:
                self.skipped += 1
                reason = skipped.get("message", "no reason given")
                self.reasons = (*self.reasons, f"{case.get('name')}: {reason}")
            else:
                self.passed += 1


def perform(stage: Stage, run: Run) -> Outcome:
    """Runs one stage and says how it ended; a fault of ours is not hidden as a stage's failure."""
    started = time.monotonic()
    try:
        stage.packages.install()
        stage.work(run)
    except StageFailed as failure:
        return Outcome(stage.name, "FAILED", time.monotonic() - started, str(failure))
    except EnvironmentNotReady as failure:
        return Outcome(stage.name, "FAILED", time.monotonic() - started, str(failure))
    except (CannotInstall, StageNotRun) as reason:
        return Outcome(stage.name, "not run", time.monotonic() - started, str(reason))
    return Outcome(stage.name, "ok", time.monotonic() - started)


def perform_beside(stage: Stage, run: Run) -> Outcome:
    """The same beside others: what it writes is shown in one piece when it has ended."""
    with tempfile.TemporaryFile("w+") as output:
        outcome = perform(stage, replace(run, output=output))
        output.seek(0)
        print(f"\n== {stage.name}, beside the others\n{output.read()}", flush=True)
    return outcome


def perform_all(stages: list[Stage], run: Run) -> list[Outcome]:
    """Every stage, in the order of the list; those with a lane beside those without."""
    with ExitStack() as ends:
        lanes: dict[str, ThreadPoolExecutor] = {}
        outcomes: list[Outcome | Future[Outcome]] = []
        for stage in stages:
            if stage.lane:
                if stage.lane not in lanes:
                    lanes[stage.lane] = ends.enter_context(ThreadPoolExecutor(max_workers=1))
                print(f"\n== {stage.name}: runs beside the others", flush=True)
                outcomes.append(lanes[stage.lane].submit(perform_beside, stage, run))
            else:
                print(f"\n== {stage.name}", flush=True)
                outcomes.append(perform(stage, run))
        return [each.result() if isinstance(each, Future) else each for each in outcomes]


def print_summary(outcomes: list[Outcome], counts: Counts, seconds: float) -> None:
    """The table of stages, the block of what was not run, and the plain closing line."""
    print("\nstage                    result      time")
    for outcome in outcomes:
        print(f"{outcome.stage:<24} {outcome.result:<8} {outcome.seconds:7.1f} s")
    print(f"{'all':<24} {'':<8} {seconds:7.1f} s")
    for outcome in outcomes:
        if outcome.result == "FAILED":
            print(f"FAILED: {outcome.stage}: {outcome.why}")
    not_run = [f"{each.stage}: {each.why}" for each in outcomes if each.result == "not run"]
    print("\nNot run:" if not_run or counts.reasons else "\nNot run: nothing")
    for line in (*not_run, *counts.reasons):
        print(f"  {line}")
    incomplete = f", INCOMPLETE: {len(not_run)} not run" if not_run else ""
    print(
        f"\n{counts.passed} passed, {counts.failed} failed, {counts.skipped} skipped{incomplete}",
        flush=True,
    )


def main() -> int:
    """Runs the named stages, or all; 0 if nothing failed, with CI=true only if all were run too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="the many-cases form")
    parser.add_argument("--list", action="store_true", help="name the stages and end")
    parser.add_argument("stages", nargs="*", help="only these stages")
    arguments = parser.parse_args()
    stages = all_stages(arguments.long)
    if arguments.list:
        print("\n".join(stage.name for stage in stages))
        return 0
    if unknown := set(arguments.stages) - {stage.name for stage in stages}:
        parser.error(f"no stage {', '.join(sorted(unknown))}; --list names them")
    chosen = [stage for stage in stages if not arguments.stages or stage.name in arguments.stages]
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ev-home-apps-") as folder:
        run = Run(long=arguments.long, reports=Path(folder))
        outcomes = perform_all(chosen, run)
        counts = Counts()
        for report in sorted(run.reports.glob("*.xml")):
            counts.add(report)
    print_summary(outcomes, counts, time.monotonic() - started)
    strict = os.environ.get("CI") == "true"
    bad = {"FAILED", "not run"} if strict else {"FAILED"}
    return 1 if counts.failed or any(outcome.result in bad for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
