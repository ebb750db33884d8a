"""Mutation testing: change one place of the code at a time and see whether the tests notice.

    python proofs/mutation.py [training evaluation model] [--mutants 150] [--seed 0] [--at-once 1] [--reuse]

The mutants are cosmic-ray's: arithmetic and comparison operators, numbers, truth values, conditions, loops, decorators.
One is drawn for each of a sample of places. Annotations, error messages and what a notebook shows are not mutated.
Each mutant is tested in a copy of the tree by the test files of its package, and of packages that use it, that import
the mutated module, those of the same name first, those without TensorFlow before the others, until one fails. Tests
that run the program or a browser are not run, so that the score is a lower bound of that of the default lane. Writes
docs/figures/reliability-mutation.json.

cosmic-ray is in the dependency group `prove`.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mutants import Mutant, sample

ROOT = Path(__file__).parent.parent
FIGURES = ROOT / "docs" / "figures" / "reliability-mutation.json"
REASONS = ROOT / "proofs" / "mutation_survivors.json"
PACKAGES = ("training", "evaluation", "model")
ELSEWHERE = {
    "model": (
        "explanation/test_backward.py", "explanation/test_saliency.py",
        "training/test_layer_kinds.py", "training/test_scale_invariance.py", "training/test_step_oracles.py",
    )
}  # fmt: skip
"""Test files of other packages that test what a package has for them."""
SLOWEST = 60.0
"""Seconds: a test file that takes longer is not run for mutants."""
PROOFS = ("*_proof.py", "*_fuzz.py", "test_faults.py", "test_interruption.py", "test_power_loss.py")
"""Test files that are short versions of the proofs: too slow to run for every mutant."""
FIRST = {
    "training/fit.py": "test_step_oracles.py",
    "training/loop.py": "test_step_oracles.py",
    "training/augment.py": "test_augment_axes.py",
}
"""Test files that notice most mutants of a module, where their names do not say so."""
PYTEST = ("-q", "-x", "-p", "no:cacheprovider", "-p", "mutation", "-m", "not long", "--hypothesis-seed=0")
SLOW_FIXTURES = {"convscope", "short_run", "browser", "show"}
"""Tests that run the program or a browser are not run for every mutant either."""


@dataclass(frozen=True)
class MeasuredFile:
    """A test file, measured once without a mutant: what it imports, and what it takes."""

    path: str
    modules: tuple[str, ...]
    heavy: bool
    seconds: float


# --- Tests --------------------------------------------------------------------------------------------------------


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """As a plugin of pytest: leave slow tests out."""
    items[:] = [item for item in items if not SLOW_FIXTURES & set(getattr(item, "fixturenames", ()))]


def serve() -> None:
    """Run tests in forks of this process, which has imported what all light tests need and nothing of ours.

    Reads one JSON list a line: arguments of pytest, time limit in seconds, and whether to name the modules imported.
    """
    import beartype  # noqa: F401
    import hypothesis
    import hypothesis.extra.numpy
    import jaxtyping  # noqa: F401
    import numpy  # noqa: F401
    import PIL.Image  # noqa: F401
    import pytest

    phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]  # no time is spent on the smallest example
    hypothesis.settings.register_profile("mutation", deadline=None, phases=phases, database=None)
    for line in sys.stdin:
        arguments, limit, names_modules = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.setsid()
            quiet = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(quiet, descriptor)
            code = 3
            try:
                code = int(pytest.main([*arguments, "--hypothesis-profile=mutation"]))
            finally:
                ours = [name for name in sys.modules if name.startswith("convscope.") or name == "tensorflow"]
                os.write(writing, json.dumps(sorted(ours) if names_modules else []).encode())
                os._exit(code)
        os.close(writing)
        status = _wait(child, limit)
        with os.fdopen(reading, "rb") as answer:
            modules = json.loads(answer.read() or b"[]") if status is not None else []
        print(json.dumps([status, modules]), flush=True)


def _wait(child: int, limit: float) -> int | None:
    """The exit code of a child, or None where it had to be ended."""
    ends = time.monotonic() + limit
    while time.monotonic() < ends:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


class Copy:
    """A copy of the tree, and a server that runs light tests in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        files = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
        for name in files:
            source, target = ROOT / name, folder / name
            if name and source.is_file() and not source.is_symlink():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
        one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        self.environment = os.environ | one_thread | {"PYTHONHASHSEED": "0"}
        self.environment["PYTHONPATH"] = os.pathsep.join(str(folder / name) for name in ("src", "proofs"))
        self._server = subprocess.Popen(
            [sys.executable, __file__, "--serve"], cwd=folder, env=self.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def close(self) -> None:
        """End the server."""
        self._server.communicate()

    def light(self, tests: list[str], limit: float, names_modules: bool = False) -> tuple[int | None, list[str]]:
        """Exit code of pytest, None at the time limit; and the modules imported."""
        arguments = [*PYTEST, *tests]
        print(json.dumps([arguments, limit, names_modules]), file=self._server.stdin, flush=True)
        code, modules = json.loads(self._server.stdout.readline())  # type: ignore[union-attr]
        return code, modules

    def heavy(self, tests: list[str], limit: float) -> int | None:
        """The same in a process of its own: TensorFlow must not be forked."""
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *PYTEST, *tests], cwd=self.folder, env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            return process.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None


def measure(copy: Copy, package: str) -> list[MeasuredFile]:
    """Run each test file of a package once; skip those that are too slow, or fail without a mutant."""
    found = []
    tests = copy.folder / "tests"
    for path in [*sorted((tests / package).glob("test_*.py")), *(tests / name for name in ELSEWHERE.get(package, ()))]:
        if any(path.match(pattern) for pattern in PROOFS):
            continue
        name, began = str(path.relative_to(copy.folder)), time.monotonic()
        code, modules = copy.light([name], SLOWEST, names_modules=True)
        seconds = round(time.monotonic() - began, 2)
        if code == 0:
            found.append(MeasuredFile(name, tuple(modules), "tensorflow" in modules, seconds))
        print(f"  {name}: {seconds} s{'' if code == 0 else f', exit {code}: not used'}", flush=True)
    return found


def files_for(mutant: Mutant, files: list[MeasuredFile]) -> tuple[list[MeasuredFile], list[MeasuredFile]]:
    """The light and the heavy test files that can notice a mutant, the likeliest first."""
    module = "convscope." + mutant.module.removesuffix(".py").replace("/", ".")
    likeliest = FIRST.get(mutant.module, Path(mutant.module).stem)
    able = [file for file in files if module in file.modules]
    able.sort(key=lambda file: (likeliest not in file.path, file.seconds))
    return [file for file in able if not file.heavy], [file for file in able if file.heavy]


def judge(mutant: Mutant, copy: Copy, files: list[MeasuredFile]) -> tuple[str, str]:
    """``killed``, ``timeout`` or ``survived``; and the test file that noticed."""
    path = copy.folder / "src" / "convscope" / mutant.module
    original = path.read_text(encoding="utf-8")
    for cached in path.parent.glob(f"__pycache__/{path.stem}.*"):
        cached.unlink()
    path.write_text(mutant.source, encoding="utf-8")
    try:
        light, heavy = files_for(mutant, files)
        doctest = MeasuredFile(f"src/convscope/{mutant.module}", (), bool(heavy) and not light, 2.0)
        for group, run in ((light, lambda *words: copy.light(*words)[0]), (heavy, copy.heavy)):
            group = [*group, *([doctest] if doctest.heavy == (run == copy.heavy) else [])]
            for part in [group[:1], group[1:]] if group else []:
                if part:
                    code = run([file.path for file in part], 30 + 10 * sum(file.seconds for file in part))
                    if code is None or code not in (0, 5):
                        return ("timeout" if code is None else "killed"), part[0].path
        return "survived", ""
    finally:
        path.write_text(original, encoding="utf-8")


# --- Results ------------------------------------------------------------------------------------------------------


def reason_of(result: dict[str, Any]) -> dict[str, str]:
    """What is known of a survivor."""
    known = json.loads(REASONS.read_text(encoding="utf-8")) if REASONS.is_file() else []
    for entry in known:
        if all(entry[key] == result[key] for key in ("module", "before", "after")):
            return {"kind": entry["kind"], "reason": entry["reason"]}
    return {"kind": "unexplained", "reason": ""}


def summarize(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures of the results."""
    killed = [result for result in results if result["outcome"] != "survived"]
    survivors = [result for result in results if result["outcome"] == "survived"]
    kinds = [survivor["kind"] for survivor in survivors]
    return {
        "mutants": len(results),
        "killed": len(killed),
        "by_time_limit": sum(result["outcome"] == "timeout" for result in killed),
        "survived": len(survivors),
        "equivalent": kinds.count("equivalent"),
        "unexplained": kinds.count("unexplained"),
        "share": len(killed) / len(results) if results else 0.0,
    }


def prove(
    packages: list[str],
    count: int,
    *,
    seed: int = 0,
    at_once: int = 1,
    modules: str = "",
    reused: dict[tuple[Any, ...], dict[str, Any]],
    report: Callable[[list[dict[str, Any]]], object] = print,
) -> list[dict[str, Any]]:
    """Test `count` mutants of each package; `report` gets all results so far, again and again."""
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(at_once) as pool:
        copies: queue.SimpleQueue[Copy] = queue.SimpleQueue()
        made = [Copy(Path(name) / str(number)) for number in range(at_once)]
        for copy in made:
            copies.put(copy)
        for package in packages:
            drawn = [mutant for mutant in sample(made[0].folder, package, count, seed) if modules in mutant.module]
            files = measure(made[0], package)
            for other in made[1:]:  # compiled files, so that each copy starts as warm as the first
                shutil.copytree(made[0].folder, other.folder, dirs_exist_ok=True)

            def one(mutant: Mutant, files: list[MeasuredFile] = files) -> tuple[Mutant, str, str]:
                copy = copies.get()
                try:
                    return mutant, *judge(mutant, copy, files)
                finally:
                    copies.put(copy)

            results += [reused[key_of(asdict(mutant))] for mutant in drawn if key_of(asdict(mutant)) in reused]
            fresh = [mutant for mutant in drawn if key_of(asdict(mutant)) not in reused]
            for mutant, outcome, noticed in pool.map(one, fresh):
                plain = {key: value for key, value in asdict(mutant).items() if key != "source"}
                results.append({"package": package, **plain, "outcome": outcome, "noticed_by": noticed})
                if outcome == "survived":
                    results[-1] |= reason_of(results[-1])
                    print(f"survived  {mutant.module}:{mutant.line}  {mutant.before}  ->  {mutant.after}", flush=True)
                report(results)
        for copy in made:
            copy.close()
    return results


def known() -> list[dict[str, Any]]:
    """The results in the figures."""
    return json.loads(FIGURES.read_text(encoding="utf-8"))["results"] if FIGURES.is_file() else []


def key_of(result: dict[str, Any]) -> tuple[Any, ...]:
    """What makes two mutants the same."""
    return tuple(result[key] for key in ("module", "operator", "before", "after"))


def by_module(results: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, int]]]:
    """Mutants and how many were killed, module by module."""
    for module in sorted({result["module"] for result in results}):
        own = [result for result in results if result["module"] == module]
        yield module, {"mutants": len(own), "killed": sum(result["outcome"] != "survived" for result in own)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", metavar="package", help=", ".join(PACKAGES))
    parser.add_argument("--mutants", type=int, default=150, help="of each package")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--module", default="", help="only modules whose path contains this; nothing is written")
    parser.add_argument(
        "--reuse", action="store_true", help="do not test again what the figures have as killed or equivalent"
    )
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        return serve()
    packages = chosen.packages or list(PACKAGES)
    if unknown := set(packages) - set(PACKAGES):
        parser.error(f"package must be one of {', '.join(PACKAGES)}. Received: {', '.join(sorted(unknown))}.")
    sys.path.append(str(ROOT / "benchmarks"))
    from importlib.metadata import version

    from record import write

    earlier, began = [result for result in known() if result["package"] not in packages], time.monotonic()
    settled = [result for result in known() if result.get("kind") in (None, "equivalent")] if chosen.reuse else []

    def report(fresh: list[dict[str, Any]], *, done: bool = False) -> None:
        if chosen.module or not (done or len(fresh) % 10 == 0):
            return
        results = sorted([*earlier, *fresh], key=lambda result: PACKAGES.index(result["package"]))
        results = [result | (reason_of(result) if result["outcome"] == "survived" else {}) for result in results]
        survivors = [result for result in results if result["outcome"] == "survived"]
        write(
            "reliability-mutation",
            {
                "tool": f"cosmic-ray {version('cosmic-ray')}",
                "seed": chosen.seed,
                "summary": summarize(results) | {"seconds": round(time.monotonic() - began)},
                "by_module": dict(by_module(results)),
                "survivors": survivors,
                "results": results,
            },
        )

    results = prove(
        packages,
        chosen.mutants,
        seed=chosen.seed,
        at_once=chosen.at_once,
        modules=chosen.module,
        report=report,
        reused={key_of(result): result for result in settled},
    )
    report(results, done=True)
    print(json.dumps(summarize(results)))


if __name__ == "__main__":
    main()
