"""Claim: every call and every value has one true name, seen through ``@dumbo`` and a store."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

import dumbo
from dumbo.testing import event_log

keep = dumbo.dumbo(keep="always")


@keep
def spelled(a: Any, /, b: int = 2, *rest: int, c: int = 3, **more: Any) -> Any:
    return [a, b, *rest, c, *sorted(more)]


@keep
def total(x: Any) -> float:
    return float(np.asarray(x).sum())


@keep
def parts(n: int) -> dict[str, Any]:
    return {"x": np.arange(float(n)), "loss": np.ones(n)}


@keep
def pair(named: dict[str, Any], others: list[Any]) -> int:
    return len(named) + len(others)


@functools.wraps(spelled.__wrapped__)
def wrapping(*args: Any, **kwargs: Any) -> Any:
    return spelled.__wrapped__(*args, **kwargs)


class Adder:
    """A callable object."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __call__(self, x: int) -> int:
        return x + self.n

    @keep
    def method(self, x: int) -> int:
        return x + self.n

    @dumbo.dumbo(keep="always")
    @classmethod
    def of_class(cls, x: int) -> int:
        return x

    @dumbo.dumbo(keep="always")
    @staticmethod
    def of_none(x: int) -> int:
        return x


@dataclasses.dataclass
class Config:
    """A dataclass with a memoized method."""

    n: int

    @keep
    def scaled(self, x: int) -> int:
        return x * self.n


@attrs.define
class Settings:
    """An attrs class with a memoized method."""

    n: int

    @keep
    def scaled(self, x: int) -> int:
        return x * self.n


def runs(*calls: Any) -> int:
    """How many of the calls ran."""
    with event_log() as log:
        for call in calls:
            call()
    return len(log.executed)


# Binding.


def test_one_call_may_be_spelled_in_many_ways() -> None:
    calls = [
        lambda: spelled(1),
        lambda: spelled(1, 2),
        lambda: spelled(1, b=2),
        lambda: spelled(1, c=3),
        lambda: spelled(1, c=3, b=2),
    ]
    assert runs(*calls) == 1
    assert runs(lambda: spelled(1, 2, 5, z=1, y=2), lambda: spelled(1, 2, 5, y=2, z=1)) == 1
    assert runs(lambda: spelled(True), lambda: spelled(1.0), lambda: spelled("1")) == 3


def test_a_call_that_does_not_fit_raises_what_python_raises() -> None:
    for args, kwargs in (((), {}), ((), {"a": 1}), ((1,), {"b": 2, "c": 1})):
        with warnings.catch_warnings():
            plain = _error(spelled.__wrapped__, args, kwargs)
            assert _error(spelled, args, kwargs) == plain


def _error(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    try:
        function(*args, **kwargs)
    except TypeError as error:
        return str(error)
    return "none"


def test_partials_callables_and_wrapped_functions_are_calls_too() -> None:
    one, two = (functools.partial(spelled.__wrapped__, n) for n in (1, 2))
    memo_one, memo_two = keep(one), keep(two)
    assert runs(lambda: memo_one(b=5), lambda: memo_one(5), lambda: memo_two(5)) == 2
    add_one, add_again, add_two = keep(Adder(1)), keep(Adder(1)), keep(Adder(2))
    assert runs(lambda: add_one(1), lambda: add_again(x=1), lambda: add_two(1)) == 2
    wrapped = dumbo.dumbo(keep="always", name="tests:wrapping")(wrapping)
    assert runs(lambda: wrapped(1), lambda: wrapped(1, 2), lambda: wrapped(1, c=3)) == 1


@pytest.mark.parametrize("kind", [Adder, Config, Settings])
def test_the_object_is_an_argument_of_its_method(kind: Any) -> None:
    name = "method" if kind is Adder else "scaled"
    first, equal, other = kind(3), kind(3), kind(4)
    calls = [lambda made=made: getattr(made, name)(2) for made in (first, equal, other)]
    assert runs(*calls) == 2
    first.n = 4
    assert runs(lambda: getattr(first, name)(2)) == 0
    assert getattr(first, name)(2) == getattr(kind, name).__wrapped__(first, 2)


def test_class_and_static_methods_have_no_object() -> None:
    assert runs(lambda: Adder.of_class(1), lambda: Adder(5).of_class(x=1)) == 1
    assert runs(lambda: Adder.of_none(1), lambda: Adder(5).of_none(x=1)) == 1


def test_async_functions_are_bound_alike() -> None:
    @keep
    async def later(x: int, y: int = 2) -> int:
        return x + y

    assert runs(lambda: asyncio.run(later(1)), lambda: asyncio.run(later(y=2, x=1))) == 1


def test_what_a_closure_holds_is_like_an_argument() -> None:
    def make(n: int, log: list[int]) -> Any:
        count = 0

        @dumbo.dumbo(keep="always", ignore=("log",))
        def inner(x: int) -> int:
            nonlocal count
            count += 1
            log.append(x)
            return x + n

        return inner

    one, again, two = make(1, []), make(1, [5]), make(2, [])
    assert runs(lambda: one(1), lambda: one(1), lambda: again(x=1), lambda: two(1)) == 2


def test_a_moving_cell_is_named_once() -> None:
    seen: list[int] = []

    @dumbo.dumbo(keep="memory")
    def watch(x: int) -> int:
        return x + len(seen)

    def move() -> None:
        for k in range(20):
            seen.append(k)
            watch(1)

    with pytest.warns(dumbo.IdentityWarning, match="'seen'") as caught:
        move()
    assert len(caught) == 1


def test_a_lambda_is_its_place_and_its_code() -> None:
    def make(k: int) -> Any:
        return keep(lambda x: x + k)

    assert runs(lambda: make(1)(1), lambda: make(1)(1), lambda: make(2)(1)) == 2
    one, other = keep(lambda x: x * 2), keep(lambda x: x * 3)
    assert one.cid(1) != other.cid(1)


def test_ignored_arguments_do_not_enter() -> None:
    @dumbo.dumbo(keep="always", ignore=("lock", "verbose"))
    def quiet(x: int, lock: Any = None, verbose: bool = False) -> int:
        return x

    locked: Any = iter([])  # a thing without identity
    assert runs(lambda: quiet(1), lambda: quiet(1, locked), lambda: quiet(1, None, True)) == 1


def test_a_script_and_its_import_share_results(project: Any) -> None:
    project.write(
        job="""
        from dumbo import dumbo

        @dumbo(keep="always")
        def work(x):
            return x + 1

        if __name__ == "__main__":
            with dumbo.events() as log:
                work(1)
            print([event.kind.value for event in log if event.kind.value != "stored"])
            print(work.cid(1))
        """
    )
    imported = project.run("import job\nvalue = [int(job.work(1)), job.work.cid(1)]")
    assert imported.executed == ["work(x=1)"]
    script = subprocess.run(
        [sys.executable, "job.py"],
        cwd=project.folder,
        env={**os.environ, "DUMBO_DIR": str(project.folder / "store")},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert script.stdout.splitlines() == ["['hit']", imported.value[1]]


# Values.


def test_arrays_of_equal_bytes_are_not_equal() -> None:
    zeros = [np.zeros(4, kind) for kind in ("f4", "i4", "u4", ">f4", "V4")][:4]
    assert runs(*(lambda a=a: total(a) for a in zeros)) == 4
    assert runs(lambda: total(np.zeros((2, 2), "f4")), lambda: total(np.zeros((4, 1), "f4"))) == 2
    grid = np.arange(12.0).reshape(3, 4)
    assert runs(lambda: total(grid), lambda: total(np.asfortranarray(grid))) == 1
    assert runs(lambda: total(grid.T), lambda: total(grid.T.copy())) == 1


def test_results_enter_by_their_names_and_are_never_loaded(project: Any) -> None:
    project.write(
        work="""
        from dumbo import dumbo
        import numpy as np

        @dumbo(keep="always")
        def parts(n):
            return {"x": np.arange(float(n)), "loss": np.ones(n)}

        @dumbo(keep="always")
        def pair(named, others):
            return len(named) + len(others)
        """
    )
    body = """
        import work
        p = work.parts(9000)
        q = work.pair({"a": p, "b": [p["loss"]]}, [1, (p,)])
        value = [[e.role, e.source.partition("#")[2][32:]] for e in dumbo.record(q).edges]
        assert dumbo.cid(p["x"]) == dumbo.cid(p) + "['x']"
        """
    first, again = project.run(body), project.run(body)
    assert [call.partition("(")[0] for call in first.executed] == ["parts", "pair"]
    assert again.executed == []
    assert again.of("loaded") == []
    assert again.value == first.value
    assert again.value == [["named['a']", ""], ["named['b'][0]", "['loss']"], ["others[1][0]", ""]]


def test_two_uses_of_one_result_are_two_edges() -> None:
    result = parts(3)
    used = pair({"a": result}, [result])
    assert [edge.role for edge in dumbo.record(used).edges] == ["named['a']", "others[0]"]
    assert dumbo.inputs(used) == (dumbo.cid(result),) * 2


def test_a_result_and_its_plain_value_are_two_arguments() -> None:
    result = parts(4)["x"]
    assert runs(lambda: total(result), lambda: total(np.arange(4.0)), lambda: total(result)) == 2


# Matchers.


def test_a_file_is_its_content(tmp_path: Path) -> None:
    @dumbo.dumbo(keep="always", match={"path": dumbo.file()})
    def lines(path: Any) -> int:
        return len(Path(path).read_text().splitlines())

    data, copied = tmp_path / "data.txt", tmp_path / "copy.txt"
    data.write_text("a\nb\n")
    assert runs(lambda: lines(data), lambda: lines(str(data))) == 1
    copied.write_text("a\nb\n")
    assert runs(lambda: lines(copied)) == 0
    stamp = data.stat()
    data.write_text("a\nbc")
    os.utime(data, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert runs(lambda: lines(data)) == 1
    data.write_text("a\nb\n")
    assert runs(lambda: lines(data)) == 0
    assert dumbo.record(lines(data)).matched == ("path by file()",)
    with pytest.raises(dumbo.UnidentifiableError, match="'path'"):
        lines(tmp_path / "none")


def test_close_numbers_share_a_bucket_whichever_came_first() -> None:
    @dumbo.dumbo(keep="always", match={"lr": dumbo.close(rel=1e-2)})
    def near(lr: float) -> float:
        return lr

    up, down = 0.1 * (1 + 1e-9), 0.1 * (1 - 1e-9)
    assert near.cid(up) == near.cid(0.1) == near.cid(down)
    assert runs(lambda: near(down), lambda: near(up), lambda: near(0.1), lambda: near(0.2)) == 2
    assert near(up) == down


def test_a_key_decides_alone() -> None:
    @dumbo.dumbo(keep="always", match={"model": dumbo.key(lambda m: m["version"])})
    def score(model: dict[str, Any]) -> int:
        return int(model["version"])

    one = {"version": 1, "lock": iter([])}  # a thing without identity
    calls = [lambda m=m: score(m) for m in (one, {"version": 1}, {"version": 2})]
    assert runs(*calls) == 2


# Names.


def test_externals_are_their_names_until_another_value_comes() -> None:
    mnist = dumbo.external("mnist", np.arange(3.0))
    result = total(mnist)
    assert dumbo.inputs(result) == ("external:mnist",)
    assert runs(lambda: total(dumbo.external("mnist", np.arange(3.0)))) == 0
    changed = dumbo.external("mnist", np.arange(5.0))
    verdict = dumbo.is_stale(result)
    assert verdict
    assert [reason.kind.value for reason in verdict.reasons] == ["input"]
    assert runs(lambda: total(changed)) == 1
    assert total(changed) == 10.0


def test_a_tag_can_be_renamed_listed_and_dropped() -> None:
    one, two = total([1.0]), total([2.0])
    dumbo.tag("draft", one)
    dumbo.tag("final", one)
    assert dumbo.tags() == {"final": dumbo.cid(one)}
    assert dumbo.tag_of(one) == "final"
    dumbo.tag("draft", two)
    with pytest.raises(dumbo.NameTakenError, match=r"untag\('final'\)"):
        dumbo.tag("final", two)
    assert sorted(dumbo.tags()) == ["draft", "final"]
    dumbo.untag("draft")
    assert dumbo.tag_of(two) is None


def test_a_tag_loads_where_the_code_never_is(project: Any) -> None:
    project.write(
        gone="""
        from dumbo import dumbo
        import numpy as np

        @dumbo(keep="always")
        def made(n):
            return {"x": np.arange(float(n)), "n": n}
        """
    )
    project.run(
        "import gone\ndumbo.tag('whole', gone.made(9000))\n"
        "dumbo.tag('item', gone.made(9000)['x'])\nvalue = 0"
    )
    (project.folder / "gone.py").unlink()
    found = project.run(
        """
        import sys
        whole, item = dumbo.tagged("whole"), dumbo.tagged("item")
        value = [int(whole["n"]), float(item[-1]), "gone" in sys.modules, sorted(dumbo.tags())]
        """
    )
    assert found.value == [9000, 8999.0, False, ["item", "whole"]]
    assert found.executed == []


def test_what_has_no_identity_names_argument_path_and_ways_out() -> None:
    with pytest.raises(dumbo.UnidentifiableError, match=r"x\['lock'\]\[1\]") as caught:
        total({"lock": [1, iter([])]})
    for way in ("register", "external", "ignore"):
        assert way in str(caught.value)
