"""What an import or an export read, what it left out and why. Memory does not grow with what went wrong."""

from dataclasses import dataclass, field

EXAMPLES = 100
"""How many names are kept for each reason; the rest are counted."""


@dataclass(slots=True)
class Findings:
    """Everything that shares one reason."""

    count: int = 0
    names: list[str] = field(default_factory=list)
    """The first `EXAMPLES` of them; one that comes several times in a row is named once."""

    def add(self, name: str, count: int = 1) -> None:
        """One more thing, or several that go by one name."""
        self.count += count
        if len(self.names) < EXAMPLES and self.names[-1:] != [name]:
            self.names.append(name)


@dataclass(slots=True)
class Report:
    """Collects findings while a file is read or written."""

    images: int = 0
    """Read or written."""
    annotations: int = 0
    """Read or written."""
    skipped: dict[str, Findings] = field(default_factory=dict)
    """By reason: what was wrong and left out, the rest went on."""
    unsupported: dict[str, Findings] = field(default_factory=dict)
    """By what the format (or Pixmill) cannot hold, so that it was changed or left behind."""
    notes: dict[str, Findings] = field(default_factory=dict)
    """By what was done: worth knowing, nothing lost."""

    def skip(self, reason: str, name: str, count: int = 1) -> None:
        """Something was wrong and is left out."""
        self.skipped.setdefault(reason, Findings()).add(name, count)

    def cannot_hold(self, what: str, name: str, count: int = 1) -> None:
        """Something was right, but has no place where it goes."""
        self.unsupported.setdefault(what, Findings()).add(name, count)

    def note(self, what: str, name: str, count: int = 1) -> None:
        """Something was done on the user's behalf."""
        self.notes.setdefault(what, Findings()).add(name, count)

    @property
    def skipped_count(self) -> int:
        """How many things were left out because they were wrong."""
        return sum(findings.count for findings in self.skipped.values())
