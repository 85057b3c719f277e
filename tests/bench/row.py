"""
A row of the table of targets, and the checks that it makes.
"""

import statistics
from dataclasses import dataclass, field


@dataclass
class Check:
    """One figure beside its target."""

    label: str
    value: float
    relation: str  # "≤" or "≥"
    target: float
    unit: str = ""

    @property
    def met(self):
        if self.relation == "≤":
            return self.value <= self.target
        return self.value >= self.target

    @property
    def share(self):
        """How many times better than the target; below 1 it is not met."""
        value, target = max(self.value, 1e-9), max(self.target, 1e-9)
        return target / value if self.relation == "≤" else value / target

    @property
    def verdict(self):
        return "met" if self.met else "not met"

    def figure(self):
        """The value as people read it."""
        decimals = 2 if abs(self.value) < 10 else 1
        if self.unit == "requests" or abs(self.value) >= 100:
            decimals = 0
        return f"{self.value:.{decimals}f} {self.unit}".strip()

    def aim(self):
        """The target as people read it."""
        return f"{self.relation} {self.target:.3g} {self.unit}".strip()


@dataclass
class Result:
    """What a row found: its checks, and every figure behind them."""

    checks: list = field(default_factory=list)
    raw: dict = field(default_factory=dict)

    def at_most(self, label, value, target, unit=""):
        self.checks.append(Check(label, value, "≤", target, unit))

    def at_least(self, label, value, target, unit=""):
        self.checks.append(Check(label, value, "≥", target, unit))


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    measure: object  # measure(lab, quick) → Result
    tools: tuple = ()


def interleaved(repetitions, **measures):
    """Take each measure in turn, again and again: {name: [figure, …]}. What
    disturbs the machine for a while then disturbs all of them."""
    figures = {name: [] for name in measures}
    for _ in range(repetitions):
        for name, measure in measures.items():
            figures[name].append(measure())
    return figures


def median_ratio(above, below):
    """The median of the ratios of what was measured side by side."""
    return statistics.median(a / b for a, b in zip(above, below))
