"""The numbers `batchbald_variance.py` found, as a table, and the rules they should obey.

Plain arithmetic on plain numbers: nothing here is worth keeping, so nothing is decorated.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

CONSISTENT, REDRAWN = MODES = ("consistent", "redrawn")


@dataclass(frozen=True, slots=True)
class Check:
    """One rule, what was measured, and whether the rule held."""

    rule: str
    margin: str
    holds: bool

    def __str__(self) -> str:
        return f"{'pass' if self.holds else 'FAIL'}  {self.rule}\n        {self.margin}"


@dataclass(frozen=True, slots=True)
class Findings:
    """What a run found.

    Attributes
    ----------
    accuracy : float
        Of the model on the test points, 0..1.
    batch : list of int
        Rows of the pool in the batch.
    sizes : list of int
        How many of them were given to the score.
    spreads : dict
        By mode and size, the mean and the standard deviations of the scores in nats.
    order : dict
        By mode, the share of pairs in the right order within one trial and across trials.
    """

    accuracy: float
    batch: list[int]
    sizes: list[int]
    spreads: dict[tuple[str, int], dict[str, float]]
    order: dict[str, dict[str, float]]

    def json(self) -> str:
        """Every number to its last bit."""
        spreads = {f"{mode}, b={b}": spread for (mode, b), spread in self.spreads.items()}
        facts = {"accuracy": self.accuracy, "batch": self.batch, "order": self.order}
        return json.dumps({**facts, "spreads": spreads}, indent=1) + "\n"

    def table(self) -> str:
        """One line for each mode and size; standard deviations in nats."""
        lines = [
            f"model accuracy {self.accuracy:.3f}, batch {self.batch}",
            f"{'masks':<12}{'b':>2}{'mean':>9}{'offset':>9}{'point':>9}{'residual':>10}{'rank':>8}",
        ]
        for (mode, b), s in self.spreads.items():
            spread = f"{s['mean']:>9.4f}{s['offset']:>9.4f}{s['point']:>9.4f}{s['residual']:>10.4f}"
            lines.append(f"{mode:<12}{b:>2}{spread}{s['rank']:>8.3f}")
        return "\n".join(lines)

    def verdicts(self) -> str:
        """Rules A to E with their margins."""
        checks = (self.bands(), self.overstated(), self.crossing(), self.noisier(), self.ordered())
        return "\n".join(str(check) for check in checks)

    def column(self, mode: str, part: str) -> list[float]:
        """One part of the spread for each size."""
        return [self.spreads[mode, b][part] for b in self.sizes]

    def bands(self) -> Check:
        """A: trials differ more than points do, and points more than chance lets them."""
        spread = self.spreads[CONSISTENT, self.sizes[-1]]
        outer, inner = spread["offset"] / spread["point"], spread["point"] / spread["residual"]
        return Check(
            "A  full batch, consistent: offset > 2 point, point > 2 residual (bands)",
            f"offset/point {outer:.2f}, point/residual {inner:.2f}",
            outer > 2 < inner,
        )

    def overstated(self) -> Check:
        """B: independent masks forget what points share, so joint entropy comes out too high."""
        redrawn, consistent = (self.column(mode, "mean") for mode in (REDRAWN, CONSISTENT))
        gaps = [r - c for r, c in zip(redrawn, consistent, strict=True)]
        return Check(
            "B  redrawn masks score higher for b >= 1, the more so the larger b",
            f"gap {listed(gaps)} at b = {self.sizes}",
            all(low < high for low, high in pairwise([0.0, *gaps[1:]])),
        )

    def crossing(self) -> Check:
        """C: with the batch the offsets take over from the differences between points."""
        offset, point = self.column(CONSISTENT, "offset"), self.column(CONSISTENT, "point")
        rising = [value for value, b in zip(offset, self.sizes, strict=True) if b <= 5]
        return Check(
            "C  consistent: point falls at each step, offset rises up to b = 5 and overtakes it",
            f"offset {listed(offset)}, point {listed(point)}",
            all(high > low for high, low in pairwise(point))
            and all(low < high for low, high in pairwise(rising))
            and offset[0] < point[0]
            and offset[-1] > point[-1],
        )

    def noisier(self) -> Check:
        """D: inside a trial, redrawn masks add noise to each score."""
        rests = zip(
            self.column(REDRAWN, "residual"), self.column(CONSISTENT, "residual"), strict=True
        )
        ratios = [redrawn / consistent for redrawn, consistent in rests]
        return Check(
            "D  residual of redrawn masks > of consistent ones at each b",
            f"ratio {listed(ratios)}",
            min(ratios) > 1,
        )

    def ordered(self) -> Check:
        """E: points compare inside a trial, not across trials."""
        same, mixed = self.order[CONSISTENT]["same"], self.order[CONSISTENT]["mixed"]
        redrawn = self.order[REDRAWN]
        return Check(
            "E  consistent: pairs in order > 0.85 inside a trial, < 0.70 across trials",
            f"{same:.3f} and {mixed:.3f} (redrawn: {redrawn['same']:.3f}, {redrawn['mixed']:.3f})",
            same > 0.85 and mixed < 0.70,
        )


def listed(values: Sequence[float]) -> str:
    """Numbers to four places."""
    return ", ".join(f"{value:.4f}" for value in values)
