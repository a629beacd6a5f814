"""Where results go: settings, sessions, and nothing at import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import dumbo
from dumbo import session as sessions
from dumbo.config import load_config


@dumbo.dumbo(keep="always")
def double(x: int) -> int:
    return 2 * x


def test_importing_dumbo_imports_nothing_heavy() -> None:
    code = (
        "import sys; import dumbo\n"
        "heavy = {'numpy', 'networkx', 'zarr', 'h5py', 'torch', 'pandas', 'polars', 'IPython',"
        " 'wrapt', 'scipy', 'dumbo.api'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "from dumbo import dumbo\n"
        "heavy = {'networkx', 'zarr', 'h5py', 'torch', 'pandas', 'polars', 'IPython', 'scipy',"
        " 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "import pathlib, os\n"
        "assert not pathlib.Path(os.environ['DUMBO_DIR']).exists()\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_a_call_with_plain_arguments_imports_nothing_heavy_either(tmp_path: Path) -> None:
    code = (
        "import sys; from dumbo import dumbo\n"
        "@dumbo(keep='always')\n"
        "def f(x): return {'a': x}\n"
        "f(1); f(1)\n"
        "heavy = {'networkx', 'zarr', 'h5py', 'torch', 'pandas', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_argument_over_environment_over_project_over_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    (project / "deep").mkdir(parents=True)
    monkeypatch.chdir(project / "deep")
    monkeypatch.delenv("DUMBO_DIR")
    (project / "pyproject.toml").write_text("")
    assert load_config().folder == project / ".dumbo"
    (project / "pyproject.toml").write_text('[tool.dumbo]\nfolder = "cache"\nkeep = "always"\n')
    assert load_config().folder == project / "cache"
    assert load_config().keep == "always"
    monkeypatch.setenv("DUMBO_DIR", str(tmp_path / "elsewhere"))
    assert load_config().folder == tmp_path / "elsewhere"
    assert load_config("here").folder == project / "deep" / "here"
    assert load_config(keep="never").keep == "never"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.dumbo]\ncolour = 1", "no setting 'colour'"),
        ("[tool.dumbo]\nkeep = 'often'", "'often' is not one of"),
        ("[tool.dumbo]\nmemory_bytes = -1", "must not be negative"),
        ("[tool.dumbo]\nmemory_bytes = true", "has type bool"),
        ("[tool.dumbo]\nstrict = 1", "has type int"),
        ("[tool]\ndumbo = 3", "must be a table"),
        ("[tool.dumbo", "cannot read"),
    ],
)
def test_a_wrong_setting_is_an_error_that_names_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(dumbo.ConfigurationError, match=message) as caught:
        load_config()
    assert "pyproject.toml" in str(caught.value)


def test_sessions_do_not_share_results(tmp_path: Path) -> None:
    with dumbo.open(tmp_path / "a") as a, dumbo.open(tmp_path / "b") as b:
        with dumbo.using(a):
            assert double(1) == 2
            assert double.is_cached(1)
        with dumbo.using(b):
            assert not double.is_cached(1)
            with dumbo.using(a):
                assert double.is_cached(1)
    assert "closed" in repr(a)
    a.close()


def test_the_warm_path_of_one_session_does_not_answer_for_another(tmp_path: Path) -> None:
    assert [double(4), double(4), double(4)] == [8, 8, 8]
    with dumbo.open(tmp_path / "a") as session, dumbo.using(session), dumbo.events() as log:
        double(4)
        assert [e.kind.value for e in log] == ["executed", "stored"]


def test_settings_of_a_session_are_the_defaults_of_its_functions(tmp_path: Path) -> None:
    with dumbo.open(tmp_path / "a", returns="bare", keep="always") as s, dumbo.using(s):
        result = dumbo.call(pow, 2, 3)
        assert type(result) is int
        assert dumbo.cid(result) is None
        assert dumbo.stats().results == 1


def test_a_strict_session_keeps_and_reads(tmp_path: Path) -> None:
    with dumbo.open(tmp_path / "a", strict=True) as s, dumbo.using(s):
        assert double(3) == 6
    with dumbo.open(tmp_path / "a", strict=True) as s, dumbo.using(s):
        assert double.is_cached(3)


def test_pickle_can_be_forbidden(tmp_path: Path) -> None:
    @dumbo.dumbo(keep="always", name="tests:odd")
    def odd(x: int) -> Any:
        return Odd(x)

    with dumbo.open(tmp_path / "a", allow_pickle=False) as s, dumbo.using(s):
        with dumbo.events() as log:
            assert odd(3).x == 3
        assert [e.kind.value for e in log] == ["executed", "skipped"]
        assert "pickle" in log[1].reason


class Odd:
    def __init__(self, x: int) -> None:
        self.x = x


def test_the_package_keeps_its_verbs_though_subpackages_have_their_names() -> None:
    import dumbo.policy.keep
    from dumbo.graph import model

    assert callable(dumbo.graph)
    assert callable(dumbo.policy)
    assert model is sys.modules["dumbo.graph.model"]


def test_every_public_name_is_there_and_on_the_face() -> None:
    from dumbo import api
    from dumbo.face import dumbo as face

    for name in dumbo.__all__:
        assert getattr(dumbo, name) is not None
    for name in set(api.__all__) - {"call"}:  # a method, so that its types survive
        assert getattr(face, name) is getattr(dumbo, name)
    assert set(dumbo.__all__) <= set(dir(dumbo))
    with pytest.raises(AttributeError, match="nothing_like_it"):
        dumbo.nothing_like_it


def test_a_notebook_makes_every_cell_a_new_look() -> None:
    class Events:
        def __init__(self) -> None:
            self.registered: dict[str, Any] = {}

        def register(self, name: str, function: Any) -> None:
            self.registered[name] = function

        def unregister(self, name: str, function: Any) -> None:
            assert self.registered.pop(name) is function

    class Shell:
        events = Events()

    dumbo.load_ipython_extension(Shell)
    session = sessions.current()
    before = session.tracker.epoch
    Shell.events.registered["pre_run_cell"](object())
    assert session.tracker.epoch > before
    assert session.engine.policy.indirect == dumbo.Reuse()
    dumbo.unload_ipython_extension(Shell)
    assert Shell.events.registered == {}


def test_a_listener_that_subscribed_twice_leaves_once_at_a_time() -> None:
    events = dumbo.session.current().events
    log: list[object] = []
    first, second = events.subscribe(log.append), events.subscribe(log.append)
    dumbo.call(abs, -1)
    both = len(log)
    first(), first()
    dumbo.call(abs, -2)
    assert len(log) - both == both // 2
    second()
    dumbo.call(abs, -3)
    assert len(log) == both + both // 2


def test_a_warning_names_the_users_own_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").write_text("no store")
    monkeypatch.setenv("DUMBO_DIR", str(tmp_path / "taken"))
    dumbo.session.close_default()
    with pytest.warns(dumbo.StoreWarning, match="temporary folder") as caught:
        dumbo.call(abs, -1)
    assert caught[0].filename == __file__
