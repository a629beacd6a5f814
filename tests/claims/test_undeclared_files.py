"""A file that was read and not declared is named: in the log once, and by `why`."""

from __future__ import annotations

from typing import Any

WORK = """
    from pathlib import Path
    import dumbo as d
    from dumbo import dumbo

    @dumbo(keep="always")
    def reads(x):
        return len(Path("data.csv").read_text()) + x

    @dumbo(keep="always")
    def declares(x):
        d.depends_on(file="data.csv")
        return len(Path("data.csv").read_text()) + x
"""
RUN = """
    import logging
    lines = []
    class Lines(logging.Handler):
        def emit(self, record):
            lines.append(record.getMessage())
    logging.getLogger("dumbo").addHandler(Lines())
    logging.getLogger("dumbo").setLevel("INFO")
    import dumbo, work
    for x in (1, 2, 3):
        work.{name}(x)
    told = [line for line in lines if "data.csv" in line]
    value = [str(dumbo.why(work.{name}(1))), told, str(work.{name}.why(1))]
"""


def set_up(project: Any) -> Any:
    project.write(work=WORK)
    (project.folder / "data.csv").write_text("a,b\n1,2\n")
    return project


def test_an_undeclared_file_is_told_of_once_and_by_why(project: Any) -> None:
    done = set_up(project).run(RUN.format(name="reads"))
    text, lines, again = done.value
    assert text.splitlines()[0] == "reads(x=1) is fresh"
    assert "note: it read " in text
    assert "data.csv, which is not declared" in text
    assert again == text
    assert len(lines) == 1
    assert "dumbo.depends_on(file=...)" in lines[0]
    later = project.run("import dumbo, work\nvalue = [str(work.reads.why(1)), int(work.reads(1))]")
    assert "data.csv, which is not declared" in later.value[0]
    assert later.executed == [], "a hint decides nothing"


def test_a_declared_file_is_not(project: Any) -> None:
    text, lines, _ = set_up(project).run(RUN.format(name="declares")).value
    assert text == "declares(x=1) is fresh"
    assert lines == []
    (project.folder / "data.csv").write_text("a,b\n1,2,3\n")
    assert project.run("import work\nvalue = int(work.declares(1))").value == 11


def test_the_hint_can_be_turned_off(project: Any) -> None:
    set_up(project)
    (project.folder / "pyproject.toml").write_text("[tool.dumbo]\nwatch_files = false\n")
    text, lines, _ = project.run(RUN.format(name="reads")).value
    assert text == "reads(x=1) is fresh"
    assert lines == []
