"""How far BatchBALD scores spread: a long analysis in plain functions, kept by dumbo.

    python examples/batchbald_variance.py --quick

Stop it with Ctrl-C or ``kill -9`` and start it again: only what is missing runs. Ask for more
``--trials``, change ``--m``, edit a function: only what hangs on it runs. Nothing here deals with
caching but ``@dumbo`` above the functions and the report at the end.

What it shows
-------------
BatchBALD (Kirsch, van Amersfoort & Gal 2019) scores a point of a pool by what it and a batch of
points chosen before it would tell about the weights of a network. The weights are K draws of
dropout masks (Gal & Ghahramani 2016). A *trial* is one such set of masks, "consistent" when all
points of the pool share it, "redrawn" when each point has masks of its own. The scores of all
pool points, trial by trial, are split as score = mean + offset of the trial + effect of the point
+ residual. With 9 points in the batch the offsets are the largest part: the left panel of the
figure shows each trial as a band of its own. Scores compare inside a trial, not across trials.

The data are scikit-learn's digits: 300 to train, 1000 in the pool, 497 to test.

What holds, and by how much
---------------------------
The rules were set on model seed 0 of an earlier program for the same analysis, then measured here
on ``--model-seed`` 0 to 3 in full (40 trials) and 0 to 4 with ``--quick`` (8 trials, b = 0 and 9
only). Accuracy was 0.87 to 0.90. The ranges are over the seeds, full | quick.

A. The bands, at b = 9: offset > 2 point > 4 residual. Held on all seeds.
   offset / point 2.78..3.91 | 2.68..6.11, point / residual 2.34..3.09 | 2.13..2.87, needed: 2.
B. Redrawn masks score higher for b >= 1, the more so the larger b (they forget what two points
   share, so the joint entropy comes out too high). The gap was positive on all seeds, 0.161..0.203
   | 0.178..0.210 at b = 9, and grew up to b = 5 on all; **from b = 5 to 9 it shrank on full seeds
   1 and 2**, where the rule is printed as failed. No score can exceed log K = 4.605, and the
   redrawn ones come near it first. At b = 0 the modes agree within 0.003 | 0.004.
C. Consistent masks: point falls at each step, offset rises up to b = 5 and overtakes it. Held on
   all seeds, the crossing between b = 3 and 5 each time; the smallest rise, 0.0588 to 0.0614 on
   seed 0, is thin.
D. Residual of redrawn masks > of consistent ones at each b. Held on all seeds, with little to
   spare: ratio 1.07..1.35 | 1.06..1.30.
E. Of two points the better one (by mean score) comes first in more than 0.85 of the cases inside a
   trial, in less than 0.70 across trials. Held on all seeds: 0.878..0.908 | 0.873..0.902 and
   0.576..0.607 | 0.549..0.661.

What it does not show
---------------------
- Redrawing masks does not spoil the order inside a trial here: 0.873..0.887 in full, hardly less
  than consistent masks. What goes wrong is to compare scores across trials.
- Redrawn masks have bands too from b = 1 on; the batch's own draws are common to a trial's scores.
  At b = 0 it is the consistent masks that have the larger offset (0.011 against 0.001).
- With 8 trials an offset is known to about a quarter of itself; quote numbers of the full run.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from batchbald_findings import CONSISTENT, MODES, Findings
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from dumbo import dumbo

CLASSES = 10
DROPPED_CHANNELS = (8, 16, 64)
PAIRS = 200_000  # pairs of pool points asked for their order; the estimate's error is 0.001
BATCH_M = 2000  # outcomes sampled to choose the batch, kept apart from --m: the batch stays put
BATCH_SEED = 10_000  # dropout draw that chooses the batch; trials use 0, 1, 2, ...
TEST_SEED = 20_000  # dropout draw that measures the model


# ---------------------------------------------------------------- the model and its prediction


@dumbo
def load_data(seed: int, points: int) -> dict[str, Tensor]:
    """Shuffle scikit-learn's digits and deal them out.

    Parameters
    ----------
    seed : int
        Seed of the shuffle.
    points : int
        Size of the pool, at most 1000.

    Returns
    -------
    dict of str to Tensor
        ``x_train`` [300, 1, 8, 8], ``x_pool`` [points, 1, 8, 8] and ``x_test`` [497, 1, 8, 8],
        float32 pixels in 0..1; ``y_train`` [300] and ``y_test`` [497], int64 labels 0..9.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = torch.randperm(len(digits.target), generator=torch.Generator().manual_seed(seed))
    x = torch.as_tensor(digits.images, dtype=torch.float32)[order, None] / 16
    y = torch.as_tensor(digits.target)[order]
    return {
        "x_train": x[:300].clone(),
        "y_train": y[:300].clone(),
        "x_pool": x[300 : 300 + points].clone(),
        "x_test": x[1300:].clone(),
        "y_test": y[1300:].clone(),
    }


class Net(nn.Module):
    """A small convolutional classifier whose dropout masks are handed in.

    Dropout stays on when predicting: every set of masks is one draw of the weights from the
    approximate posterior (Gal & Ghahramani 2016, "Dropout as a Bayesian approximation").
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3)
        self.conv2 = nn.Conv2d(8, 16, 3)
        self.hidden = nn.Linear(16 * 2 * 2, 64)
        self.out = nn.Linear(64, CLASSES)

    def head(self, x: Tensor) -> Tensor:
        """Features before the first dropout, [n, 8, 6, 6] of images [n, 1, 8, 8]."""
        return self.conv1(x)

    def tail(self, features: Tensor, masks: list[Tensor]) -> Tensor:
        """Log class probabilities, [n, k, 10].

        Parameters
        ----------
        features : Tensor
            [n, k, 8, 6, 6], one copy of ``head`` per draw.
        masks : list of Tensor
            [n or 1, k, channels] for 8, 16 and 64 channels.
        """
        n, k = features.shape[:2]
        first, second, third = masks
        h = functional.relu(features * first[..., None, None])
        h = self.conv2(h.flatten(0, 1)).unflatten(0, (n, k))
        h = (h * second[..., None, None]).flatten(0, 1)
        h = functional.relu(functional.max_pool2d(h, 2)).flatten(1)
        h = functional.relu(self.hidden(h).unflatten(0, (n, k)) * third)
        return self.out(h).log_softmax(-1)


def draw_masks(n: int, k: int, generator: torch.Generator) -> list[Tensor]:
    """Dropout masks at rate 1/2 for n points and k draws, [n, k, channels], values 0 or 2."""
    return [
        2.0 * torch.randint(2, (n, k, channels), generator=generator)
        for channels in DROPPED_CHANNELS
    ]


@dumbo
def train_model(x: Tensor, y: Tensor, seed: int, epochs: int) -> dict[str, Tensor]:
    """Train `Net` by Adam on the negative log-likelihood.

    Parameters
    ----------
    x : Tensor
        Images, [n, 1, 8, 8] float32.
    y : Tensor
        Labels, [n] int64.
    seed : int
        Seed of initial weights, order of the data and dropout.
    epochs : int
        Passes over the data.

    Returns
    -------
    dict of str to Tensor
        The state dict.
    """
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for _ in range(epochs):
        for rows in torch.randperm(len(x), generator=generator).split(32):
            masks = draw_masks(len(rows), 1, generator)
            log_p = net.tail(net.head(x[rows])[:, None], masks)[:, 0]
            optimizer.zero_grad()
            functional.nll_loss(log_p, y[rows]).backward()
            optimizer.step()
    return {name: weights.detach().clone() for name, weights in net.state_dict().items()}


@dumbo
def predict(state: dict[str, Tensor], x: Tensor, k: int, seed: int, consistent: bool) -> Tensor:
    """Log class probabilities of every image under k dropout draws.

    Parameters
    ----------
    state : dict of str to Tensor
        State dict of `Net`.
    x : Tensor
        Images, [n, 1, 8, 8] float32.
    k : int
        Number of draws.
    seed : int
        Seed of the masks.
    consistent : bool
        True: one set of k masks serves all images, as BatchBALD asks for (Kirsch, van Amersfoort
        & Gal 2019, "consistent MC dropout"). False: every image gets k masks of its own.

    Returns
    -------
    Tensor
        log p(y | x_i, w_j) in nats, [n, k, 10] float32; 4 MB at n=1000, k=100.
    """
    net = Net()
    net.load_state_dict(state)
    generator = torch.Generator().manual_seed(seed)
    shared = draw_masks(1, k, generator)
    parts = []
    with torch.no_grad():
        for chunk in x.split(100):
            masks = shared if consistent else draw_masks(len(chunk), k, generator)
            features = net.head(chunk)[:, None].expand(-1, k, -1, -1, -1)
            parts.append(net.tail(features, masks))
    return torch.cat(parts)


@dumbo
def accuracy(log_p: Tensor, y: Tensor) -> float:
    """Share of images whose label is the likeliest class of the averaged prediction.

    Parameters
    ----------
    log_p : Tensor
        Log class probabilities, [n, k, 10].
    y : Tensor
        Labels, [n] int64.

    Returns
    -------
    float
        Between 0 and 1.
    """
    return (log_p.logsumexp(1).argmax(-1) == y).double().mean().item()


# ---------------------------------------------------------------- the score


def conditional_entropies(log_p: Tensor) -> Tensor:
    """Mean over the draws of the entropy of y_i given w_j, [n] float64, in nats."""
    return -(log_p.exp() * log_p).sum(-1).mean(-1).double()


def all_outcomes(log_p: Tensor) -> tuple[Tensor, float]:
    """Likelihood of each joint outcome of b points under each draw, [10**b, k], and weight 1."""
    table = torch.ones(1, log_p.shape[1])
    for point in log_p.exp():
        table = (table[:, None] * point.T).flatten(0, 1)
    return table, 1.0


def sampled_outcomes(log_p: Tensor, m: int, seed: int) -> tuple[Tensor, Tensor]:
    """Likelihood of m joint outcomes drawn from the mixture, [m, k], and their weights, [m, 1].

    Outcomes come from each draw of the weights in turn; the weights 1 / (m p(outcome)) turn a
    sum over samples into a sum over all outcomes.
    """
    generator = torch.Generator().manual_seed(seed)
    each = m // log_p.shape[1]
    total = torch.zeros(each * log_p.shape[1], log_p.shape[1])
    for point in log_p:
        y = torch.multinomial(point.exp(), each, replacement=True, generator=generator)
        total += point.T[y.flatten()]
    table = total.exp()
    return table, 1 / (len(table) * table.mean(1, keepdim=True))


def joint_entropies(log_p: Tensor, table: Tensor, weight: Tensor | float) -> Tensor:
    """Entropy of (batch, point i) for every i, [n] float64, in nats."""
    k = log_p.shape[1]
    parts = []
    for chunk in log_p.split(100):
        joint = table @ chunk.exp().transpose(0, 1).flatten(1) / k  # [outcomes, n * 10]
        terms = joint * joint.clamp_min(1e-30).log() * weight
        parts.append(-terms.sum(0).double().unflatten(0, (-1, CLASSES)).sum(1))
    return torch.cat(parts)


def scores_given(log_p: Tensor, batch: Sequence[int], m: int, seed: int) -> Tensor:
    """BatchBALD score of each point as the next of `batch`; see `batchbald_scores`."""
    chosen = log_p[list(batch)]
    enumerate_all = CLASSES ** len(batch) <= m
    table, weight = all_outcomes(chosen) if enumerate_all else sampled_outcomes(chosen, m, seed)
    alone = conditional_entropies(log_p)
    return joint_entropies(log_p, table, weight) - alone - alone[list(batch)].sum()


@dumbo
def batchbald_scores(log_p: Tensor, batch: list[int], m: int, seed: int) -> Tensor:
    """Information that the batch and one point more would give about the weights.

    I[y_batch, y_i; w] = H[y_batch, y_i] - sum over the points of E_w H[y | w] (Kirsch, van
    Amersfoort & Gal 2019, "BatchBALD"); for an empty batch that is BALD (Houlsby et al. 2011).

    Parameters
    ----------
    log_p : Tensor
        Log class probabilities, [n, k, 10]; with k draws no score exceeds log k.
    batch : list of int
        Rows already chosen.
    m : int
        Joint outcomes of the batch to sample, at least k; where all 10**b are no more than m,
        they are enumerated.
    seed : int
        Seed of the sampled outcomes.

    Returns
    -------
    Tensor
        [n] float64, in nats.
    """
    return scores_given(log_p, batch, m, seed)


@dumbo
def greedy_batch(log_p: Tensor, size: int, m: int) -> list[int]:
    """Choose `size` points one by one, each with the highest BatchBALD score.

    Parameters
    ----------
    log_p : Tensor
        Log class probabilities, [n, k, 10].
    size : int
        Points to choose.
    m : int
        Joint outcomes to sample per step, at least k.

    Returns
    -------
    list of int
        Rows in the order chosen.
    """
    batch: list[int] = []
    for step in range(size):
        scores = scores_given(log_p, batch, m, seed=step)
        scores[batch] = -torch.inf
        batch.append(int(scores.argmax()))
    return batch


# ---------------------------------------------------------------- what the scores say


def open_points(scores: list[Tensor], batch: list[int]) -> Tensor:
    """One row per trial, [trials, n - b] float64, without the points of the batch."""
    table = torch.stack(scores)
    still_open = torch.ones(table.shape[1], dtype=torch.bool)
    still_open[batch] = False
    return table[:, still_open]


@dumbo
def summarise(scores: list[Tensor], batch: list[int]) -> dict[str, float]:
    """Split the scores of several trials into offset of the trial, effect of the point, rest.

    Parameters
    ----------
    scores : list of Tensor
        One [n] float64 per trial, in nats.
    batch : list of int
        Rows to leave out.

    Returns
    -------
    dict of str to float
        ``mean`` and the standard deviations ``offset`` (of trials), ``point`` (of points) and
        ``residual`` in nats; ``rank`` is the mean rank correlation of two trials.
    """
    table = open_points(scores, batch)
    trials, points = table.shape
    mean = table.mean()
    offset = table.mean(1) - mean
    effect = table.mean(0) - mean
    rest = table - mean - offset[:, None] - effect
    ranks = table.argsort(1).argsort(1).double()
    return {
        "mean": mean.item(),
        "offset": offset.std().item(),
        "point": effect.std().item(),
        "residual": (rest.square().sum() / ((trials - 1) * (points - 1))).sqrt().item(),
        "rank": ((torch.corrcoef(ranks).sum() - trials) / (trials * (trials - 1))).item(),
    }


@dumbo
def order_kept(scores: list[Tensor], batch: list[int], seed: int) -> dict[str, float]:
    """How often two points come in the order of their mean scores over all trials.

    Parameters
    ----------
    scores : list of Tensor
        One [n] float64 per trial.
    batch : list of int
        Rows to leave out.
    seed : int
        Seed of the random pairs of points and of trials.

    Returns
    -------
    dict of str to float
        Shares in 0..1: ``same`` where both scores come from one trial, ``mixed`` where each comes
        from a trial of its own; a coin would give 0.5.
    """
    table = open_points(scores, batch)
    trials, points = table.shape
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.randint(points, (2, PAIRS), generator=generator)
    one = torch.randint(trials, (PAIRS,), generator=generator)
    other = (one + torch.randint(1, trials, (PAIRS,), generator=generator)) % trials
    mean = table.mean(0)
    true_order = mean[a] > mean[b]
    pairs = {"same": table[one, b], "mixed": table[other, b]}
    distinct = a != b
    return {
        name: ((table[one, a] > of_b) == true_order)[distinct].double().mean().item()
        for name, of_b in pairs.items()
    }


def plot_bands(axes: Any, table: Tensor) -> None:
    """Scatter one row of scores per trial over the points, sorted by median; one row in colour."""
    table = table[:, table.quantile(0.5, 0).argsort(descending=True)]
    rank = torch.arange(table.shape[1])
    axes.scatter(rank.expand_as(table), table, s=2, c="k", alpha=0.15, rasterized=True)
    axes.scatter(rank, table[0], s=6, c="C0", label="one trial")
    axes.set(
        title=f"{len(table)} trials, consistent masks",
        xlabel="pool points, sorted by median score",
        ylabel="BatchBALD score as next point [nats]",
    )
    axes.legend()


@dumbo
def figure(
    scores: list[Tensor], batch: list[int], sizes: list[int], spreads: list[dict[str, float]]
) -> bytes:
    """Draw the bands, and beside them the spread against the size of the batch.

    Parameters
    ----------
    scores : list of Tensor
        One [n] float64 per trial, in nats: consistent masks, whole batch.
    batch : list of int
        Rows to leave out.
    sizes : list of int
        Points in the batch, one per step of the second panel.
    spreads : list of dict
        What `summarise` gave, for consistent masks at each size, then for redrawn ones.

    Returns
    -------
    bytes
        A PNG, 1120 by 400 pixels.
    """
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(14, 5), layout="constrained")
    bands, spread = drawing.subplots(1, 2)
    plot_bands(bands, open_points(scores, batch))
    halves = (spreads[: len(sizes)], spreads[len(sizes) :])
    for mode, line, rows in zip(MODES, ("-", "--"), halves, strict=True):
        for part, colour in (("offset", "C3"), ("point", "C0"), ("residual", "C2")):
            label = f"{part}, {mode}"
            spread.plot(sizes, [row[part] for row in rows], line, c=colour, marker="o", label=label)
    spread.set(xlabel="points in batch", ylabel="standard deviation [nats]", yscale="log")
    spread.legend(fontsize=8)
    png = BytesIO()
    drawing.savefig(png, format="png", dpi=80)
    return png.getvalue()


# ---------------------------------------------------------------- the run


class Journal:
    """The events of a run, also written line by line, so that even a killed run leaves them."""

    def __init__(self, events: list[Any], path: Path | None) -> None:
        self.events = events
        self._file = path.open("w", encoding="utf-8", buffering=1) if path else None
        self._written = 0

    def write(self) -> None:
        """Append what happened since the last time."""
        if self._file is not None:
            for event in self.events[self._written :]:
                facts = {"kind": str(event.kind), "cid": str(event.cid), "call": event.call}
                facts |= {"reason": event.reason, "seconds": event.seconds}
                self._file.write(json.dumps(facts) + "\n")
            self._written = len(self.events)

    def close(self) -> None:
        """Write what is left and end the file."""
        self.write()
        if self._file is not None:
            self._file.close()

    def table(self) -> str:
        """Calls executed and hit by function, with seconds spent and saved."""
        count: Counter[tuple[str, str]] = Counter()
        seconds: Counter[tuple[str, str]] = Counter()
        for event in self.events:
            # The function's name in a CID such as batchbald_variance:predict#5f0c...
            of = event.cid.partition("#")[0].rpartition(":")[2]
            count[of, str(event.kind)] += 1
            seconds[of, str(event.kind)] += event.seconds
        lines = [f"{'function':<18}{'executed':>9}{'seconds':>9}{'hits':>7}{'saved [s]':>11}"]
        for of in dict.fromkeys(name for name, kind in count if kind in {"executed", "hit"}):
            run, hit = (of, "executed"), (of, "hit")
            lines.append(
                f"{of:<18}{count[run]:>9}{seconds[run]:>9.2f}{count[hit]:>7}{seconds[hit]:>11.2f}"
            )
        return "\n".join(lines)


def analyse(plan: argparse.Namespace, journal: Journal) -> tuple[Findings, bytes]:
    """Run every stage; a call that was kept and still holds is not run again."""
    data = load_data(0, plan.points)
    state = train_model(data["x_train"], data["y_train"], plan.model_seed, plan.epochs)
    test = accuracy(predict(state, data["x_test"], plan.k, TEST_SEED, True), data["y_test"])
    first = predict(state, data["x_pool"], plan.k, BATCH_SEED, True)
    batch = greedy_batch(first, plan.sizes[-1], max(BATCH_M, plan.k))
    rows = list(batch)
    journal.write()

    scores: dict[tuple[str, int], list[Tensor]] = {(m, b): [] for m in MODES for b in plan.sizes}
    for trial in tqdm(range(plan.trials), unit="trial"):
        for mode in MODES:
            log_p = predict(state, data["x_pool"], plan.k, trial, mode == "consistent")
            for b in plan.sizes:
                scores[mode, b].append(batchbald_scores(log_p, rows[:b], plan.m, trial))
                journal.write()

    spreads = {key: summarise(of_trials, batch) for key, of_trials in scores.items()}
    last = plan.sizes[-1]
    png = figure(scores[CONSISTENT, last], batch, plan.sizes, list(spreads.values()))
    order = {mode: order_kept(scores[mode, last], batch, 0) for mode in MODES}
    findings = Findings(
        accuracy=float(test),
        batch=rows,
        sizes=plan.sizes,
        spreads={key: dict(spread) for key, spread in spreads.items()},
        order={mode: dict(shares) for mode, shares in order.items()},
    )
    return findings, png


def draw_provenance(png: bytes, folder: Path) -> tuple[str, Path]:
    """The figure's provenance, calls of one function as one: text tree, and path of a drawing."""
    graph = dumbo.graph(png)
    if shutil.which("dot"):
        path = folder / "batchbald_provenance.svg"
        graph.svg(path, collapse=True)
    else:
        path = folder / "batchbald_provenance.mmd"
        path.write_text(graph.mermaid(collapse=True), encoding="utf-8")
    return graph.text(collapse=True), path


def name_figure(png: bytes) -> None:
    """Let the tag ``figure`` mean the newest one, for ``dumbo why figure``."""
    if dumbo.tags().get("figure") != dumbo.cid(png):
        if "figure" in dumbo.tags():
            dumbo.untag("figure")
        dumbo.tag("figure", png)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="BatchBALD's variance analysis, kept by dumbo.")
    add = parser.add_argument
    add("--quick", action="store_true", help="8 trials, --m 1000, batches of 0 and 9 points")
    add("--trials", type=int, help="dropout draws to compare, at least 2 (default: 40)")
    add("--k", type=int, default=100, help="sets of masks in a draw (default: 100)")
    add("--m", type=int, help="joint outcomes sampled per score, at least k (default: 2000)")
    add("--points", type=int, default=1000, help="pool points, 20 to 1000 (default: 1000)")
    add("--model-seed", type=int, default=0, help="seed of the training (default: 0)")
    add("--epochs", type=int, default=60, help="passes of the training (default: 60)")
    add("--out", type=Path, default=Path(__file__).parent / "out", help="folder of the figure")
    add("--store", type=Path, help="folder of dumbo's store (default: dumbo's own choice)")
    add("--events", type=Path, help="file to get dumbo's events, one JSON object a line")
    plan = parser.parse_args(arguments)
    plan.trials = plan.trials if plan.trials is not None else 8 if plan.quick else 40
    plan.m = plan.m if plan.m is not None else 1000 if plan.quick else 2000
    plan.sizes = [0, 9] if plan.quick else [0, 1, 3, 5, 9]
    if plan.trials < 2 or plan.m < plan.k or plan.k < 1 or not 20 <= plan.points <= 1000:
        parser.error("needs --trials >= 2, --m >= --k >= 1 and --points in 20..1000")
    return plan


@contextmanager
def store_at(folder: Path | None) -> Iterator[None]:
    """Keep results in `folder`; None leaves the place to dumbo."""
    if folder is None:
        yield
    else:
        with dumbo.open(folder) as session, dumbo.using(session):
            yield


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the analysis, and report what it found and what it cost."""
    plan = parse(arguments)
    plan.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    picture = plan.out / "batchbald_variance.png"
    with store_at(plan.store), dumbo.events() as events:
        journal = Journal(events, plan.events)
        findings, png = analyse(plan, journal)
        picture.write_bytes(bytes(png))
        tree, drawing = draw_provenance(png, plan.out)
        name_figure(png)
        journal.close()

    (plan.out / "batchbald_variance.json").write_text(findings.json(), encoding="utf-8")
    print(findings.table(), findings.verdicts(), journal.table(), tree, sep="\n\n")
    print(f"\nfigure      {picture}\nprovenance  {drawing}")


if __name__ == "__main__":
    main()
