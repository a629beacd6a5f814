"""Dependencies, verdicts and guards of single calls, in one process."""

from __future__ import annotations

import gc
import importlib
import linecache
import operator
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dumbo.code import Project, Tracker, declared
from dumbo.code.imports import TIMES, ImportTimes
from dumbo.code.packages import Packages
from dumbo.errors import ConfigurationError, UnidentifiableError
from dumbo.records import (
    Dependency,
    DependencyKind,
    Depset,
    ReasonKind,
    State,
)

Writer = Callable[..., Any]


def members(depset: Depset, kind: str) -> dict[str, str]:
    return {d.label: d.fingerprint for d in depset.members if d.kind.value == kind}


def record(tracker: Tracker, function: Any, *args: Any, **more: Any) -> Depset:
    with tracker.recording(function) as recording:
        function(*args)
    return tracker.depset(function, recording, **more)


def of(module: str, depset: Depset) -> set[str]:
    return {label for label in members(depset, "code") if label.startswith(module)}


class Memoized:
    """A decorated function as the engine makes it."""

    def __init__(self, function: Any) -> None:
        self.function = self.__wrapped__ = function

    def __dumbo_function__(self) -> str:
        return f"{self.function.__module__}:{self.function.__qualname__}"

    def __call__(self, *args: Any) -> Any:
        return 1


class Carrier:
    """A stand-in that carries a CID and lies about its class."""

    __class__ = property(lambda self: int)

    def __init__(self, cid: str) -> None:
        self.cid = cid

    def __dumbo_carrier__(self) -> str:
        return self.cid


def test_every_kind_is_recorded_with_file_text_and_reader(write: Writer, tracker: Tracker) -> None:
    work = write(
        trk_a="""
        import math, trk_lib
        N = 2
        class K:
            def go(self, x):
                "Doc."
                return x * N
        def f(x): return K().go(x) + trk_lib.M + math.sqrt(4)
        """,
        trk_lib="M = 3\n",
        trk_b="from trk_a import f\n",
    )
    depset = record(tracker, work.f, 3)
    found = {(d.kind.value, d.label): d for d in depset.members}
    assert {key for key in found if key[0] != "bound"} == {
        ("code", "trk_a.f"),
        ("code", "trk_a.K.go"),
        ("class", "trk_a.K"),
        ("global", "trk_a.N"),
        ("global", "trk_lib.M"),
        ("package", "python"),
    }
    go = found["code", "trk_a.K.go"]
    assert go.by == "f"
    assert go.file.endswith("trk_a.py")
    assert go.text == "def go(self, x):\n    return x * N"
    assert found["global", "trk_lib.M"].text == "3"
    assert depset == record(tracker, work.f, 3)


def test_a_function_without_standard_library_survives_an_upgrade_of_python(
    write: Writer, tracker: Tracker
) -> None:
    work = write(trk_plain="def f(x): return len([x])\n")
    depset = record(tracker, work.f, 1)
    assert members(depset, "package") == {}
    assert members(depset, "bound") == {"trk_plain.len": members(depset, "bound")["trk_plain.len"]}


def test_a_memoized_callee_is_bound_by_its_id_and_not_followed(
    write: Writer, tracker: Tracker
) -> None:
    work = write(
        trk_memo="""
        import functools
        def inner(x): return helper(x)
        def helper(x): return x
        plain = inner
        def f(x): return g(x)
        @functools.cache
        def cached(x): return g(x)
        def via(x): return cached(x)
        g = inner
        """
    )
    work.g = Memoized(work.inner)
    depset = record(tracker, work.f, 1)
    assert of("trk_memo", depset) == {"trk_memo.f"}
    assert members(depset, "bound")["trk_memo.g"].startswith("memoized trk_memo:inner")
    work.cached(1)
    # The result that the cache remembers may be of another call: what made it counts as code.
    both = {"trk_memo.via", "trk_memo.cached", "trk_memo.inner", "trk_memo.helper"}
    assert of("trk_memo", record(tracker, work.via, 1)) == both
    assert set(members(tracker.closure_depset(work.f), "code")) == {"trk_memo.f"}
    work.g = Memoized(work.helper)
    tracker.refresh()
    assert tracker.verify(depset, work.f).state is State.STALE


def test_a_carrier_as_global_counts_by_its_cid(write: Writer, tracker: Tracker) -> None:
    work = write(trk_carrier="A = None\ndef f(x): return id(A) and x\n")
    work.A = Carrier("m:f#1")
    depset = record(tracker, work.f, 1)
    assert members(depset, "global")["trk_carrier.A"].startswith("cid:m:f#1")
    work.A = Carrier("m:f#1")
    tracker.refresh()
    assert tracker.verify(depset, work.f).state is State.FRESH
    work.A = Carrier("m:f#2")
    tracker.refresh()
    verdict = tracker.verify(depset, work.f)
    assert verdict.state is State.STALE
    assert (verdict.reasons[0].before, verdict.reasons[0].after) == ("m:f#1", "m:f#2")


def test_classes_of_all_arguments_are_dependencies(write: Writer, tracker: Tracker) -> None:
    work = write(
        trk_args="""
        class A: pass
        class B: pass
        class C: pass
        def f(x, y, *, z=None): return 1
        """
    )
    with tracker.recording(work.f) as recording:
        work.f(work.A(), work.B, z=work.C())
    assert set(members(tracker.depset(work.f, recording), "class")) == {
        "trk_args.A", "trk_args.B", "trk_args.C",
    }  # fmt: skip
    with tracker.recording(None) as empty:
        pass
    more = tracker.depset(work.f, empty, arguments=(work.A(), work.B, 3))
    assert set(members(more, "class")) == {"trk_args.A", "trk_args.B"}


def test_what_the_call_writes_is_noted_and_no_dependency(write: Writer, tracker: Tracker) -> None:
    work = write(
        trk_writes="""
        COUNT, LOG, STATE = 0, [], {}
        def f(x):
            global COUNT
            COUNT += 1
            LOG.append(x)
            STATE[x] = 1
            return x
        """
    )
    depset = record(tracker, work.f, 1)
    assert set(members(depset, "opaque")) == {
        "trk_writes.COUNT", "trk_writes.LOG", "trk_writes.STATE",
    }  # fmt: skip
    tracker.refresh()
    assert tracker.verify(depset, work.f).state is State.FRESH


def test_what_has_no_fingerprint_is_opaque_and_never_stale(write: Writer, tracker: Tracker) -> None:
    work = write(
        trk_opaque="import threading\nL = threading.Lock()\ndef f(x):\n    with L: return x\n"
    )
    depset = record(tracker, work.f, 1)
    assert "trk_opaque.L" in members(depset, "opaque")
    work.L = work.threading.Lock()
    tracker.refresh()
    assert tracker.verify(depset, work.f).state is State.FRESH


def test_a_value_that_lost_its_fingerprint_is_unknown(write: Writer, tracker: Tracker) -> None:
    work = write(trk_lost="import threading\nN = 1\ndef f(x): return N and x\n")
    depset = record(tracker, work.f, 1)
    work.N = work.threading.Lock()
    tracker.refresh()
    assert tracker.verify(depset, work.f).state is State.UNKNOWN


def test_a_value_whose_hooks_raise_is_opaque(write: Writer, tracker: Tracker) -> None:
    work = write(
        trk_raises="""
        class Bad:
            def __reduce_ex__(self, protocol): raise RuntimeError("no")
            def __dumbo_token__(self): raise RuntimeError("no")
        B = Bad()
        def f(x): return B is None or x
        """
    )
    depset = record(tracker, work.f, 1)
    assert "trk_raises.B" in members(depset, "opaque")


def test_verdicts_are_kept_for_one_epoch(write: Writer, tracker: Tracker) -> None:
    work = write(trk_epoch="N = 1\ndef f(x): return x + N\n")
    depset = record(tracker, work.f, 1)
    first = tracker.verify(depset, work.f)
    work.N = 2
    assert tracker.verify(depset, work.f) is first
    before = tracker.epoch
    tracker.refresh()
    assert tracker.epoch == before + 1
    verdict = tracker.verify(depset, work.f)
    assert [(r.kind, r.subject, r.before, r.after, r.by) for r in verdict.reasons] == [
        (ReasonKind.GLOBAL, "trk_epoch.N", "1", "2", "f")
    ]
    assert bool(verdict)


def test_one_stat_per_file_and_epoch(write: Writer, tracker: Tracker, store: Any) -> None:
    work = write(trk_stat="def g(x): return x\ndef h(x): return x\ndef f(x): return g(h(x))\n")
    time.sleep(0.06)
    tracker = Tracker(Project(), store)
    depset = record(tracker, work.f, 1)
    assert store.puts == 1
    fresh = Tracker(Project(), store)
    assert fresh.verify(depset, work.f).state is State.FRESH
    assert (fresh.sources.parsed, fresh.sources.stats) == (0, 1)
    fresh.refresh()
    fresh.verify(depset, work.f)
    assert (fresh.sources.parsed, fresh.sources.stats) == (0, 2)


def test_one_edited_file_is_the_only_one_parsed(write: Writer, store: Any) -> None:
    work = write(
        trk_one="def g(x): return x\n",
        trk_two="import trk_one\ndef f(x): return trk_one.g(x)\n",
    )
    time.sleep(0.06)
    depset = record(Tracker(Project(), store), work.f, 1)
    file = Path(work.trk_one.__file__)
    file.write_text("def g(x): return x  # one\n")
    fresh = Tracker(Project(), store)
    assert fresh.verify(depset, work.f).state is State.FRESH
    assert fresh.sources.parsed == 1


def test_a_just_written_index_is_not_kept(write: Writer, store: Any) -> None:
    work = write(trk_racy="def f(x): return x\n")
    os.utime(work.__file__)
    record(Tracker(Project(), store), work.f, 1)
    assert store.puts == 0


def test_an_index_of_another_stamp_is_not_used(write: Writer, store: Any) -> None:
    work = write(trk_stamp="def f(x): return x\n")
    time.sleep(0.06)
    record(Tracker(Project(), store), work.f, 1)
    key, (stamp, blob) = next(iter(store.rows.items()))
    store.rows[key] = ((stamp[0], stamp[1] - 1, *stamp[2:]), blob)
    fresh = Tracker(Project(), store)
    record(fresh, work.f, 1)
    assert fresh.sources.parsed == 1


def test_a_file_edited_after_its_import_does_not_speak_for_the_loaded_code(
    write: Writer, tracker: Tracker
) -> None:
    work = write(trk_after="def f(x): return x + 1\nclass K:\n    v = 1\ndef k(): return K().v\n")
    Path(work.__file__).write_text(
        "def f(x): return x + 2\nclass K:\n    v = 2\ndef k(): return K().v\n"
    )
    depset = record(tracker, work.f, 1)
    assert members(depset, "code")["trk_after.f"].startswith("b:")
    assert "python" in members(depset, "package")
    assert tracker.verify(depset, work.f).state is State.FRESH
    shell = record(tracker, work.k)
    assert members(shell, "class")["trk_after.K"].startswith("n:")
    fresh = Tracker(Project())
    TIMES.find_spec("trk_after")
    reloaded = importlib.reload(work)
    assert fresh.verify(depset, reloaded.f).state is State.STALE
    assert fresh.verify(shell, reloaded.k).state is State.STALE


def test_a_comment_added_after_the_import_changes_nothing(write: Writer, tracker: Tracker) -> None:
    work = write(trk_comment="def f(x): return x + 1\n")
    Path(work.__file__).write_text("# one\ndef f(x): return x + 1  # two\n")
    assert members(record(tracker, work.f, 1), "code")["trk_comment.f"].startswith("a:")


def test_text_of_a_cell_stands_for_its_file(
    tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "<ipython-input-1-abc>"
    text = "N = 1\ndef g(x): return x + N\ndef f(x): return g(x)\n"
    text += "class K:\n    def go(self): return 1\ndef k(): return K().go()\n"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    module: Any = ModuleType("trk_cells")
    monkeypatch.setitem(sys.modules, "trk_cells", module)
    exec(compile(text, name, "exec"), vars(module))
    depset = record(tracker, module.f, 1)
    assert members(depset, "code")["trk_cells.g"].startswith("a:")
    assert tracker.verify(depset, module.f).state is State.FRESH
    shells = record(tracker, module.k)
    assert members(shells, "class")["trk_cells.K"].startswith("a:")
    again = "<ipython-input-2-abc>"
    text = "def g(x): return x - N\n"
    linecache.cache[again] = (len(text), None, [text], again)
    exec(compile(text, again, "exec"), vars(module))
    tracker.refresh()
    verdict = tracker.verify(depset, module.f)
    assert [r.subject for r in verdict.reasons if r.kind is ReasonKind.CODE] == ["trk_cells.g"]
    (changed,) = verdict.reasons
    assert ("return x + N" in changed.before, "return x - N" in changed.after) == (True, True)
    for cell in (name, again):
        del linecache.cache[cell]


def test_code_without_source_is_compared_by_its_bytecode(
    tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    module: Any = ModuleType("trk_typed")
    monkeypatch.setitem(sys.modules, "trk_typed", module)
    exec(compile("def g(x): return x + 1\ndef f(x): return g(x)", "<stdin>", "exec"), vars(module))
    depset = record(tracker, module.f, 1)
    assert members(depset, "code")["trk_typed.g"].startswith("b:")
    assert "RETURN" in next(d.text for d in depset.members if d.key == ("code", "trk_typed", "g"))
    assert tracker.verify(depset, module.f).state is State.FRESH
    exec(compile("def g(x): return x + 2", "<stdin>", "exec"), vars(module))
    tracker.refresh()
    assert tracker.verify(depset, module.f).state is State.STALE
    monkeypatch.delitem(sys.modules, "trk_typed")
    tracker.refresh()
    assert tracker.verify(depset).state is State.UNKNOWN


def test_bytecode_of_another_python_says_so(write: Writer, tracker: Tracker) -> None:
    work = write(trk_old="def f(x): return x\n")
    depset = record(tracker, work.f, 1)
    old = Depset.of(tuple(replace(d, fingerprint="b:3.9:00") for d in depset.members))
    (reason,) = tracker.verify(old, work.f).reasons
    assert "3.9" in reason.detail


def test_a_project_that_moved_is_found_by_module_name(
    write: Writer, tracker: Tracker, tmp_path: Path
) -> None:
    work = write(trk_moved="def f(x): return x\n")
    depset = record(tracker, work.f, 1)
    old = Depset.of(tuple(replace(d, file="/nowhere/trk_moved.py") for d in depset.members))
    assert tracker.verify(old, work.f).state is State.FRESH
    del sys.modules["trk_moved"]
    tracker.refresh()
    assert tracker.verify(old).state is State.FRESH
    Path(work.__file__).unlink()
    tracker.refresh()
    verdict = tracker.verify(old)
    assert verdict.state is State.UNKNOWN
    with pytest.raises(ValueError, match="UNKNOWN"):
        bool(verdict)


def test_a_file_that_is_no_python_any_more_gives_no_verdict(
    write: Writer, tracker: Tracker
) -> None:
    work = write(trk_broken="def f(x): return x\n")
    depset = record(tracker, work.f, 1)
    Path(work.__file__).write_text("def f(x: return\n")
    del sys.modules["trk_broken"]
    tracker.refresh()
    assert tracker.verify(depset).state is State.UNKNOWN


def test_guards_hold_until_something_is_rebound(write: Writer, tracker: Tracker) -> None:
    work = write(trk_guard="N = 1\ndef g(x): return x\ndef f(x): return g(x) + N\n")
    depset = record(tracker, work.f, 1)
    guards = tracker.guards(work.f, depset)
    assert guards is not None
    assert guards()
    assert all(space[name] is expected for space, name, expected in guards.names)
    work.N = 2
    assert not guards()
    tracker.refresh()
    assert tracker.guards(work.f, depset) is None
    del work.N
    assert not guards()


def test_guards_see_a_module_that_gets_loaded(write: Writer, tracker: Tracker) -> None:
    work = write(
        trk_lazy="N = 1\n", trk_uses="def f(x):\n    import trk_lazy\n    return trk_lazy.N\n"
    )
    depset = record(tracker, work.f, 1)
    lazy = sys.modules.pop("trk_lazy")
    guards = tracker.guards(work.f, depset)
    assert guards is not None
    assert guards()
    sys.modules["trk_lazy"] = lazy
    assert not guards()


def test_large_containers_are_guarded_by_length_and_odd_ones_by_identity(
    write: Writer, tracker: Tracker
) -> None:
    work = write(
        trk_large="""
        import fractions
        BIG = list(range(10_000))
        WIDE = ["x" * 100] * 100
        ODD = [fractions.Fraction(1)]
        def f(x): return BIG[0] + len(WIDE) + ODD[0]
        """
    )
    depset = record(tracker, work.f, 1)
    for change in (
        lambda: work.BIG.append(1),
        lambda: work.WIDE.append(1),
        lambda: operator.setitem(work.ODD, 0, work.fractions.Fraction(2)),
    ):
        tracker.refresh()
        guards = tracker.guards(work.f, record(tracker, work.f, 1))
        assert guards is not None
        assert guards()
        change()
        assert not guards()
    assert tracker.verify(depset, work.f).state is State.STALE


def test_guards_cover_declared_files_and_variables(
    write: Writer, tracker: Tracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = write(trk_decl="def f(x): return x\n")
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.txt").write_text("1")
    monkeypatch.setenv("TRK_VAR", "1")
    named = declared(
        file=data / "a.txt", folder=data, glob=str(data / "*.txt"), env=["TRK_VAR"], value=1
    )
    depset = record(tracker, work.f, 1, declared=named)
    guards = tracker.guards(work.f, depset)
    assert guards is not None
    assert guards()
    monkeypatch.setenv("TRK_VAR", "2")
    assert not guards()
    monkeypatch.setenv("TRK_VAR", "1")
    assert guards()
    (data / "b.txt").write_text("1")
    assert not guards()


def test_declared_content_decides_and_not_dates(
    tmp_path: Path, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.txt"
    file.write_text("1")
    monkeypatch.delenv("TRK_SECRET", raising=False)
    depset = Depset.of(declared(file=[file, tmp_path / "none"], env="TRK_SECRET", folder=tmp_path))
    time.sleep(0.06)
    tracker = Tracker(Project(), store)
    assert tracker.verify(depset).state is State.FRESH
    assert store.puts == 1
    assert Tracker(Project(), store).verify(depset).state is State.FRESH
    os.utime(file)
    tracker.refresh()
    assert tracker.verify(depset).state is State.FRESH
    file.write_text("22")
    monkeypatch.setenv("TRK_SECRET", "password")
    tracker.refresh()
    verdict = tracker.verify(depset)
    assert {r.kind for r in verdict.reasons} == {ReasonKind.DECLARED}
    assert len(verdict.reasons) == 3
    told = [text for reason in verdict.reasons for text in (reason.before, reason.after)]
    assert not any("password" in text for text in told)
    assert "unset" in told
    (tmp_path / "none").write_text("")
    tracker.refresh()
    assert "no such file" in [reason.before for reason in tracker.verify(depset).reasons]


def test_a_declared_value_is_compared_with_its_new_declaration(tracker: Tracker) -> None:
    depset = Depset.of(declared(value=[1]))
    assert tracker.verify(depset).state is State.FRESH
    assert tracker.verify(depset, None, declared(value=[1])).state is State.FRESH
    assert tracker.verify(depset, None, declared(value=[2])).state is State.STALE


def test_a_declared_callable_is_asked_again(write: Writer, tracker: Tracker) -> None:
    work = write(trk_call="V = [1]\ndef version(): return V[0]\n")
    depset = Depset.of(declared(callable=work.version))
    assert tracker.verify(depset).state is State.FRESH
    work.V[0] = 2
    tracker.refresh()
    assert tracker.verify(depset).state is State.STALE
    del sys.modules["trk_call"]
    tracker.refresh()
    assert tracker.verify(depset).state is State.UNKNOWN


def test_a_declaration_that_cannot_be_compared_says_what_to_give() -> None:
    with pytest.raises(UnidentifiableError, match="version number"):
        declared(value=iter([]))
    with pytest.raises(ConfigurationError, match="no module of that name"):
        declared(package="no_such_package_at_all")


def test_a_declared_package_counts_by_its_version() -> None:
    (found,) = declared(package="numpy")
    assert found.kind is DependencyKind.PACKAGE
    assert found.fingerprint.startswith("numpy==")


def test_packages_are_found_beside_their_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    for top in ("pka", "pkb", "pkc", "pkd"):
        (tmp_path / top).mkdir()
        (tmp_path / top / "__init__.py").write_text("")
    (tmp_path / "pkalone.py").write_text("x = 1\n")
    named = tmp_path / "pka-1.0.dist-info"
    other = tmp_path / "Other_Name-2.0.dist-info"
    egg = tmp_path / "egg_name-3.0.egg-info"
    for record_folder in (named, other, egg):
        record_folder.mkdir()
    (named / "METADATA").write_text("Name: pka\nVersion: 1.5\n")
    (other / "RECORD").write_text(
        "pkb/__init__.py,,\npkb.py,,\nOther_Name-2.0.dist-info/X,,\n../bin/x,,\n"
    )
    (egg / "top_level.txt").write_text("pkc\n")
    (egg / "PKG-INFO").write_text("Version: 3.1\n")
    (tmp_path / "bare-4.0.dist-info").mkdir()
    packages = Packages()
    assert packages.version("pka") == "pka==1.5"
    assert packages.version("pkb") == "Other_Name==2.0"
    assert packages.version("pkc") == "egg_name==3.1"
    assert packages.version("pkd").startswith("pkd ")
    alone = packages.version("pkalone")
    (tmp_path / "pkalone.py").write_text("x = 2\n")
    assert packages.version("pkalone") == alone
    packages.forget()
    assert packages.version("pkalone") != alone
    assert packages.version("no_such_package_at_all") == ""
    assert packages.version("json") == packages.version("python")


def test_a_package_that_is_gone_gives_no_verdict(tracker: Tracker) -> None:
    gone = Dependency(DependencyKind.PACKAGE, "no_such_package_at_all", "", "x==1", "x==1")
    assert tracker.verify(Depset.of((gone,))).state is State.UNKNOWN


def test_what_is_project_is_decided_by_path(tmp_path: Path) -> None:
    default = Project()
    assert default.owns_file(str(tmp_path / "a.py"))
    assert default.owns_file("<ipython-input-3-abc>")
    for foreign in (os.__file__, "<frozen os>", "<__array_function__ internals>", pytest.__file__):
        assert not default.owns_file(foreign)
    assert not default.owns_file(importlib.import_module("dumbo.records").__file__ or "")
    assert default.owns_module("__main__")
    assert not default.owns_module("json")
    assert not default.owns_module("sys")
    assert not default.owns_module("no_such_module_at_all")
    narrow = Project(roots=[tmp_path / "src"])
    assert narrow.owns_file(str(tmp_path / "src" / "a.py"))
    assert not narrow.owns_file(str(tmp_path / "a.py"))
    vendored = Project(also=[tmp_path / "site-packages" / "mine"])
    assert vendored.owns_file(str(tmp_path / "site-packages" / "mine" / "a.py"))
    assert not vendored.owns_file(str(tmp_path / "site-packages" / "other" / "a.py"))


def test_namespace_packages_are_project_by_their_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "trk_space").mkdir()
    (tmp_path / "trk_space" / "mod.py").write_text("N = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.import_module("trk_space.mod")
    assert Project().owns_module("trk_space")


def test_import_times_are_those_of_the_last_import(write: Writer) -> None:
    before = time.time_ns()
    work = write(trk_time="x = 1\n")
    assert work.__file__ is not None
    first = TIMES.read_at(work.__file__)
    assert before - 10**9 < first <= time.time_ns()
    importlib.reload(work)
    assert TIMES.read_at(work.__file__) > first
    assert TIMES.read_at("/no/such/file.py") == TIMES.started


def test_a_process_began_before_now_on_any_system(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ImportTimes().started < time.time_ns()

    def refuse(self: Path) -> str:
        raise OSError("no /proc here")

    monkeypatch.setattr(Path, "read_text", refuse)
    assert ImportTimes().started < time.time_ns()


def test_a_closure_reads_what_could_run_and_runs_nothing(write: Writer, tracker: Tracker) -> None:
    work = write(
        trk_closure="""
        import functools
        def boom(): raise RuntimeError
        def g(x): return boom()
        class K:
            def go(self): return late()
        def late(): return 1
        def part(x): return x
        P = functools.partial(part)
        T = {"a": g}
        O = K()
        def wrap(fn):
            @functools.wraps(fn)
            def inner(*a): return fn(*a)
            return inner
        @wrap
        def decorated(x): return x
        def f(x): return T["a"](x), K, P, O, decorated
        """
    )
    assert set(members(tracker.closure_depset(work.f), "code")) >= {
        f"trk_closure.{name}"
        for name in ("f", "g", "boom", "K.go", "late", "part", "decorated", "wrap.<locals>.inner")
    }


def test_recordings_hold_no_frames_afterwards(write: Writer, tracker: Tracker) -> None:
    work = write(trk_frames="def f(x): return x\n")

    def steps() -> Any:
        with tracker.recording(work.f) as recording:
            work.f(1)
        yield recording

    steps_of: Any = steps
    recording = next(steps_of())
    gc.collect()
    assert recording.outer == frozenset()
