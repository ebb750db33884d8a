"""What a sweep found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from convscope.api.run import Run, load_run
from convscope.evaluation.mean_interval import Mean, mean_of
from convscope.markup import table
from convscope.sweeping.definition import Definition
from convscope.sweeping.records import COMPLETE, FAILED, OUTCOMES, Trial, best

SHOWN = 10
"""Trials in the table that is printed."""


@dataclass(frozen=True)
class SweepResult:
    """The trials of a sweep. Shows itself as a table in a notebook.

    Attributes:
        folder: Its folder, with ``trials.csv``, ``sweep.json``, figures, ``sweep.html`` and the run folder ``winner``.
        journal: The journal.
        definition: What was asked for.
        trials: All finished trials, by number.
        confirmations: The best recipe, trained with other seeds.
        importances: How much each parameter decides whether a trial is among the best; the fractions add up to 1.
        closed: The trials that the search ended with, if ``time`` ended it.
        files: What was written.
    """

    folder: Path
    journal: Path
    definition: Definition
    trials: tuple[Trial, ...]
    confirmations: tuple[Trial, ...] = ()
    importances: dict[str, float] = field(default_factory=dict)
    closed: tuple[int, ...] | None = None
    files: tuple[Path, ...] = ()

    @property
    def best(self) -> Trial | None:
        """The complete trial with the highest validation accuracy; None for several seeds of one recipe."""
        if self.definition.is_seeds:
            return None
        return best(one for one in self.trials if self.closed is None or one.number in self.closed)

    @property
    def winner(self) -> Run | None:
        """The best trial, trained once more into a run folder, with the same weights; None without one."""
        folder = self.folder / "winner"
        return load_run(folder) if (folder / "run.json").is_file() else None

    @property
    def validation(self) -> Mean | None:
        """Validation accuracy of one recipe with several seeds: the best recipe, or the only one."""
        return mean_of([one.accuracy for one in self._seeds])

    @property
    def test(self) -> Mean | None:
        """Test accuracy of these trainings; None without a test split."""
        return mean_of([one.test_accuracy for one in self._seeds])

    @property
    def counts(self) -> dict[str, int]:
        """Number of trials of each outcome."""
        counts = Counter(one.outcome for one in self.trials)
        return {name: counts[name] for name in OUTCOMES if counts[name]}

    @property
    def _seeds(self) -> list[Trial]:
        rows = self.trials if self.definition.is_seeds else self.confirmations
        return [one for one in rows if one.outcome == COMPLETE]

    @property
    def ranked(self) -> list[Trial]:
        """Complete trials first, the best first; then the others."""
        return sorted(
            self.trials,
            key=lambda one: (one.outcome != COMPLETE, -(one.accuracy or 0.0), one.loss or 0.0, one.number),
        )

    def rows(self) -> list[tuple[str, str]]:
        """The result as heads and words."""
        each = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        noun = "seed" if self.definition.is_seeds else "trial"
        rows = [("tried", f"{len(self.trials)} {noun}{'' if len(self.trials) == 1 else 's'}: {each}")]
        if self.best:
            rows.append(("best", f"trial {self.best.number}: {params_text(self.best.params)}"))
            words = ": optimistic, as the highest of many" if self.counts[COMPLETE] > 1 else ""
            rows.append(("", f"validation {accuracy_text(self.best.accuracy)}{words}"))
        heads = ("validation", "test") if self.definition.is_seeds else ("confirmed", "")
        for head, part, mean in zip(heads, ("validation", "test"), (self.validation, self.test), strict=True):
            if mean:
                rows.append((head, str(mean) if self.definition.is_seeds else f"{part} {mean}, other seeds"))
        if self.importances:
            words = ", ".join(f"{name} {value:.0%}" for name, value in self.importances.items())
            rows.append(("importance", words))
        if self.winner:
            rows.append(("run", str(self.winner.folder)))
        failed = next((one for one in self.trials if one.outcome == FAILED), None)
        if failed:
            rows.append(("failed", f"trial {failed.number}: {failed.reason}"))
        rows.append(("files", f"{', '.join(path.name for path in self.files)} in {self.folder}"))
        return rows

    def to_json(self) -> dict[str, Any]:
        """Plain values, as in ``sweep.json``."""
        chosen = self.best
        return {
            "folder": str(self.folder),
            "journal": str(self.journal),
            "definition": self.definition.to_json(),
            "tried": len(self.trials),
            "counts": self.counts,
            "best": chosen.to_json() if chosen else None,
            "validation": self.validation.to_json() if self.validation else None,
            "test": self.test.to_json() if self.test else None,
            "importances": self.importances,
            "winner": str(self.winner.folder) if self.winner else None,
            "confirmations": [one.to_json() for one in self.confirmations],
            "trials": [one.to_json() for one in self.trials],
            "closed": list(self.closed) if self.closed is not None else None,
            "files": [str(path) for path in self.files],
        }

    def cells(self, *, most: int | None = None) -> tuple[list[str], list[list[str]]]:
        """The trials as heads and rows of a table, ranked."""
        names = ["seed"] if self.definition.is_seeds else [one.name for one in self.definition.space.parameters]
        heads = ["trial", *names, "validation", *(["test"] if self.definition.is_seeds else []), "seconds", "outcome"]
        rows = []
        for one in self.ranked[:most]:
            values = {"seed": one.seed, **one.params}
            shown = [value_text(values.get(name)) for name in names]
            test = [accuracy_text(one.test_accuracy)] if self.definition.is_seeds else []
            rows.append(
                [str(one.number), *shown, accuracy_text(one.accuracy), *test, f"{one.seconds:.1f}", one.outcome]
            )
        return heads, rows

    def __str__(self) -> str:
        return "\n".join(f"{head:<11} {words}" for head, words in self.rows())

    def __repr__(self) -> str:
        return f"SweepResult({str(self.folder)!r}: {len(self.trials)} trials)"

    def _repr_html_(self) -> str:
        summary = table(("", ""), [(head, escape(words)) for head, words in self.rows()], caption="Sweep")
        heads, rows = self.cells(most=SHOWN)
        return summary + table(heads, [list(map(escape, row)) for row in rows], caption="The best trials")


def value_text(value: object) -> str:
    """A value of a parameter in a few characters.

    Example:
        >>> value_text(0.01213456), value_text(True), value_text("quick")
        ('0.01213', 'true', 'quick')
    """
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def params_text(params: dict[str, Any]) -> str:
    """The values of a trial in one line."""
    return ", ".join(f"{name}={value_text(value)}" for name, value in params.items())


def accuracy_text(accuracy: float | None) -> str:
    """A percentage, or nothing."""
    return "" if accuracy is None else f"{100 * accuracy:.2f} %"
