"""The mutants of `mutation.py`: cosmic-ray's changes of one place of a module, one drawn for each place."""

from __future__ import annotations

import ast
import difflib
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHOWN_ONLY = ("_repr_html_", "__repr__", "__str__")


@dataclass(frozen=True)
class Mutant:
    """One change of one module.

    Attributes:
        module: Path below src/convscope.
        line: Of the change, from 1.
        operator: cosmic-ray's name.
        before: The line as it is, stripped.
        after: The line as it becomes.
        source: The mutated module.
    """

    module: str
    line: int
    operator: str
    before: str
    after: str
    source: str


Span = tuple[tuple[int, int], tuple[int, int]]


def excluded(source: str) -> tuple[list[Span], list[Span]]:
    """The spans that are not mutated, and the defaults of parameters, which are although they lie in such spans.

    Not mutated are annotations, signatures, raised errors, what is only shown, and what runs as a script.
    """
    found: list[ast.AST | None] = []
    signatures, defaults = list[Span](), list[Span]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AnnAssign):
            found.append(node.annotation)
        elif isinstance(node, ast.FunctionDef):
            found.append(node if node.name in SHOWN_ONLY else None)
            signatures.append(((node.lineno, node.col_offset), (node.body[0].lineno, node.body[0].col_offset)))
            defaults += [_span(default) for default in [*node.args.defaults, *node.args.kw_defaults] if default]
        elif isinstance(node, ast.Raise):
            found.append(node)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript):
            found.append(node.value if ast.unparse(node.value).startswith(("Float", "Int", "UInt", "Bool")) else None)
    return [*signatures, *(_span(node) for node in found if node)], defaults


def _span(node: Any) -> Span:
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)


def _is_inside(spec: Any, spans: list[Span]) -> bool:
    return any(start <= spec.start_pos and spec.end_pos <= end for start, end in spans)


def mutants(path: Path, root: Path, rng: random.Random) -> list[Mutant]:
    """One mutant for each place of a module, in random order."""
    from cosmic_ray.commands import init
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator
    from cosmic_ray.work_db import WorkDB, use_db

    source = path.read_text(encoding="utf-8")
    skipped, defaults = excluded(source)
    with (
        tempfile.TemporaryDirectory() as folder,
        use_db(str(Path(folder) / "session.sqlite"), WorkDB.Mode.create) as db,
    ):
        init([path], db, {})
        specs = [spec for item in db.work_items for spec in item.mutations]
    places: dict[Any, list[Any]] = {}
    for spec in sorted(specs, key=lambda spec: (spec.start_pos, spec.end_pos, spec.operator_name, spec.occurrence)):
        if _is_inside(spec, defaults) or not _is_inside(spec, skipped):
            places.setdefault((spec.start_pos, spec.end_pos), []).append(spec)
    chosen = [rng.choice(specs) for _, specs in sorted(places.items())]
    rng.shuffle(chosen)
    made = []
    for spec in chosen:
        code = mutate_code(source, get_operator(spec.operator_name)(), spec.occurrence)
        if code is None or code == source:
            continue
        changed = [line for line in difflib.ndiff(source.splitlines(), code.splitlines()) if line[:2] in ("- ", "+ ")]
        before, after = ("".join(line[2:].strip() for line in changed if line[0] == sign) for sign in "-+")
        module = str(path.relative_to(root / "src" / "convscope"))
        operator = spec.operator_name.removeprefix("core/")
        made.append(Mutant(module, spec.start_pos[0], operator, before, after, code))
    return made


def sample(root: Path, package: str, count: int, seed: int) -> list[Mutant]:
    """Mutants of a package, each module in proportion to its places, at least three."""
    paths = sorted(path for path in (root / "src" / "convscope" / package).rglob("*.py") if path.name != "__init__.py")
    by_module = [mutants(path, root, random.Random(f"{seed} {path.relative_to(root)}")) for path in paths]
    total = sum(map(len, by_module))
    drawn = [made[: max(3, round(count * len(made) / total))] for made in by_module]
    return [mutant for made in drawn for mutant in made]
