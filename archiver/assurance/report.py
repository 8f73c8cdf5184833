"""What a verification says: problems by object and record, and honestly what was not looked at."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from archiver.errors import IntegrityError

MOST_PROBLEMS = 10_000
"""A report names no more than these and counts the rest."""

Progress = Callable[[str, int, int], None]
"""Called with the phase in words, how much of it is done, and its total. From any thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is not as promised. `object_key` and `record_id` are empty where none is."""

    what: str
    object_key: str = ""
    record_id: str = ""

    def to_dict(self) -> dict[str, str]:
        """Return the problem for JSON."""
        return {"object": self.object_key, "record": self.record_id, "what": self.what}

    @classmethod
    def of(cls, error: IntegrityError, object_key: str = "", record_id: str = "") -> "Problem":
        """Return the problem that `error`, raised while an object was read, describes."""
        return cls(
            what=str(error),
            object_key=object_key or error.object_key or "",
            record_id=error.record_id or record_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome. `checked` counts records; `not_checked` says in words what was left out.

    `level` is "A" where nothing was decrypted and "B" where every record was opened. `proven` says
    in words what holds, but for what the problems name; `figures` the same in numbers, for
    programs. `warnings` are things an operator should know that break no promise, such as an
    object that a crash left. `more_problems` were found beyond those listed. `stored_bytes` were
    read and hashed.
    """

    checked: int
    problems: tuple[Problem, ...]
    more_problems: int
    warnings: tuple[Problem, ...]
    not_checked: tuple[str, ...]
    size: int
    root: bytes
    seconds: float
    stored_bytes: int
    counts: tuple[tuple[str, int], ...]
    level: str
    proven: tuple[str, ...]
    figures: tuple[tuple[str, object], ...]

    @property
    def ok(self) -> bool:
        """Whether everything that was looked at is as promised."""
        return not self.problems

    def to_dict(self) -> dict[str, object]:
        """Return the report for JSON."""
        return {
            "ok": self.ok,
            "checked": self.checked,
            "problems": [problem.to_dict() for problem in self.problems],
            "checkpoint": {"size": self.size, "root": self.root.hex()},
            "more_problems": self.more_problems,
            "warnings": [warning.to_dict() for warning in self.warnings],
            "not_checked": list(self.not_checked),
            "seconds": round(self.seconds, 3),
            "bytes": self.stored_bytes,
            "counts": dict(self.counts),
            "level": self.level,
            "proven": list(self.proven),
            **dict(self.figures),
        }


class Findings:
    """Gathers what a verification finds, without growing beyond `MOST_PROBLEMS`."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.more_problems = 0
        self.warnings: list[Problem] = []
        self.not_checked: list[str] = []
        self.stored_bytes = 0
        self.counts: dict[str, int] = {}
        self.proven: list[str] = []
        self.figures: dict[str, object] = {}
        self.level = "A"

    def problem(self, what: str, *, object_key: str = "", record_id: str = "") -> None:
        """Note that something is not as promised."""
        self.extend([Problem(what=what, object_key=object_key, record_id=record_id)])

    def extend(self, problems: Iterable[Problem]) -> None:
        """Note problems that a worker found."""
        for problem in problems:
            if len(self.problems) < MOST_PROBLEMS:
                self.problems.append(problem)
            else:
                self.more_problems += 1

    def warn(self, what: str, *, object_key: str = "") -> None:
        """Note something worth knowing that breaks no promise."""
        if len(self.warnings) < MOST_PROBLEMS:
            self.warnings.append(Problem(what=what, object_key=object_key))

    def count(self, name: str, number: int = 1) -> None:
        """Add to one of the counts of the report."""
        self.counts[name] = self.counts.get(name, 0) + number

    def report(self, *, checked: int, size: int, root: bytes, seconds: float) -> Report:
        """Return the finished report."""
        return Report(
            checked=checked,
            problems=tuple(self.problems),
            more_problems=self.more_problems,
            warnings=tuple(self.warnings),
            not_checked=tuple(self.not_checked),
            size=size,
            root=root,
            seconds=seconds,
            stored_bytes=self.stored_bytes,
            counts=tuple(sorted(self.counts.items())),
            level=self.level,
            proven=tuple(self.proven),
            figures=tuple(sorted(self.figures.items())),
        )
