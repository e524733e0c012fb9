from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from sidestream_sandbox import runner
from sidestream_sandbox.text import HEAD, TAIL, VALUE


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Ran:
    def __init__(self, code: str) -> None:
        self.output = {"stdout": "", "stderr": ""}
        coroutine = runner.run(code, self.hear)
        with pytest.raises(StopIteration) as end:
            coroutine.send(None)
        self.result: dict[str, Any] = json.loads(end.value.value)

    def hear(self, stream: str, text: str) -> None:
        self.output[stream] += text


def test_the_last_expression_is_the_value() -> None:
    assert Ran("a = 20\na + 1\na + 2").result["value"] == "22"
    assert "value" not in Ran("a = 20").result
    assert "value" not in Ran("None").result
    assert "value" not in Ran("").result


def test_names_stay() -> None:
    first = Ran("import math\nword = 'here'").result
    second = Ran("word, math.floor(1.5)").result
    assert second["run"] == first["run"] + 1
    assert second["value"] == "('here', 1)"
    assert Ran("word").result["value"] == "'here'"
    assert Ran("_").result["value"] == "'here'"


def test_top_level_await() -> None:
    assert Ran("async def f():\n    return 5\nx = await f()\nawait f() + x").result["value"] == "10"


def test_it_is_the_main_module() -> None:
    assert Ran("__name__").result["value"] == "'__main__'"


def test_both_streams_in_their_place() -> None:
    ran = Ran("import sys\nprint('out')\nprint('err', file=sys.stderr)")
    assert ran.output == {"stdout": "out\n", "stderr": "err\n"}
    assert ran.result["ended"] == "ok"


def test_what_libraries_caught_on_the_way_is_left_out(folder: Path) -> None:
    (folder / "library.py").write_text(
        "def fail():\n"
        "    try:\n        raise KeyError('inner')\n"
        "    except KeyError as error:\n        raise ValueError('outer') from error\n"
        "def stumble():\n"
        "    try:\n        raise KeyError('inner')\n"
        "    except KeyError:\n        raise ValueError('outer')\n"
    )
    begin = "import sys\nsys.path.insert(0, '.')\nimport library\n"
    text = Ran(begin + "library.stumble()").result["traceback"]
    assert "inner" not in text
    assert text.count("Traceback") == 1
    assert text.endswith("ValueError: outer")
    # An explicit cause is shown, and so is an error that the code itself has handled.
    assert "inner" in Ran("library.fail()").result["traceback"]
    caught = "try: library.stumble()\nexcept ValueError: 1 / 0"
    text = Ran(caught).result["traceback"]
    assert "inner" not in text
    assert "outer" in text
    assert text.endswith("division by zero")
    Ran("sys.path.remove('.')\ndel sys.modules['library']")


def test_a_traceback_shows_the_code_and_not_the_runner() -> None:
    result = Ran("def f():\n    return 1 / 0\n\nf()").result
    assert result["ended"] == "error"
    assert "return 1 / 0" in result["traceback"]
    assert result["traceback"].endswith("ZeroDivisionError: division by zero")
    assert "runner.py" not in result["traceback"]


def test_a_syntax_error_points_at_its_place() -> None:
    result = Ran("x = 1\ny = (2").result
    assert result["ended"] == "error"
    assert "y = (2" in result["traceback"]
    assert "runner.py" not in result["traceback"]


@pytest.mark.parametrize(
    ("code", "ended"),
    [("raise SystemExit", "ok"), ("exit(0)", "ok"), ("raise SystemExit(3)", "error")],
)
def test_exit_ends_the_run(code: str, ended: str) -> None:
    assert Ran(code).result["ended"] == ended


def test_too_little_memory() -> None:
    assert Ran("raise MemoryError").result["ended"] == "memory"


def test_an_error_that_cannot_be_shown() -> None:
    code = "class E(Exception):\n    def __str__(self):\n        raise E\nraise E"
    assert "E" in Ran(code).result["traceback"]


def test_a_printed_megabyte_is_cut_with_a_note() -> None:
    ran = Ran("print('begin' + 'x' * 1_000_000 + 'end')")
    printed = ran.output["stdout"]
    left_out = 1_000_000 + len("beginend\n") - HEAD - TAIL
    assert printed.startswith("beginxxx")
    assert printed.endswith("xxxend\n")
    assert f"[… {left_out:,} characters left out …]" in printed
    assert len(printed) < HEAD + TAIL + 100


def test_many_small_pieces_are_cut_as_well() -> None:
    printed = Ran("for i in range(20_000): print(i)").output["stdout"]
    assert printed.startswith("0\n1\n2\n")
    assert printed.endswith("19998\n19999\n")
    assert "characters left out" in printed


def test_what_fits_is_whole() -> None:
    assert Ran(f"print('x' * {HEAD + TAIL - 1})").output["stdout"] == "x" * (HEAD + TAIL - 1) + "\n"


def test_lone_surrogates_do_not_get_out() -> None:
    ran = Ran("print('a\\ud800b')\n'\\udfff'")
    assert ran.output["stdout"] == "a?b\n"
    json.dumps(ran.result).encode()


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("{'b': 1, 'a': [1, (2,), {3}]}", "{'b': 1, 'a': [1, (2,), {3}]}"),
        ("{}", "{}"),
        ("x = []\nfor _ in range(200): x = [x]\nx", "[" * 12 + "[...]" + "]" * 12),
        ("x = {}\nx['x'] = x\nfor _ in range(3): x = {1: x}\nx", None),
        ("list(range(10_000_000))", None),
        ("'x' * 10_000_000", None),
        ("10 ** 100_000", None),
    ],
)
def test_values_of_any_size_and_depth(code: str, value: str | None) -> None:
    result = Ran(code).result
    assert result["ended"] == "ok"
    assert len(result["value"]) < VALUE + 100
    if value is not None:
        assert result["value"] == value


def test_a_repr_that_fails() -> None:
    code = "class A:\n    def __repr__(self):\n        raise SystemExit\nA()"
    assert "A" in Ran(code).result["value"]


FIGURE = "class F:\n    def {}(self):\n        return {!r}\n"


def test_figures_by_the_methods_that_notebooks_know() -> None:
    svg = Ran(FIGURE.format("_repr_svg_", "<svg width='1'></svg>") + "F()").result
    assert svg["figures"] == [
        {"type": "svg", "text": "<svg xmlns=\"http://www.w3.org/2000/svg\" width='1'></svg>"}
    ]
    assert "value" not in svg
    png = Ran(FIGURE.format("_repr_png_", b"\x89PNG") + "F()").result["figures"]
    assert base64.b64decode(png[0]["base64"]) == b"\x89PNG"
    nothing = Ran(FIGURE.format("_repr_svg_", None) + "F()").result
    assert nothing["figures"] == []
    assert "object" in nothing["value"]
    assert Ran(FIGURE.format("_repr_svg_", "<svg/>") + "F").result["figures"] == []


DISPLAY = "from sidestream_sandbox.show import HTML, SVG, display\n"


def test_display_shows_figures_and_prints_the_rest() -> None:
    ran = Ran(f"{DISPLAY}display(SVG('<svg/>'), [1, 2])")
    assert len(ran.result["figures"]) == 1
    assert ran.output["stdout"] == "[1, 2]\n"


def test_too_many_and_too_large_figures_are_left_out_with_a_note() -> None:
    ran = Ran(f"{DISPLAY}for _ in range(10): display(SVG('<svg/>'))")
    assert len(ran.result["figures"]) == 8
    assert "left out" in ran.output["stderr"]
    ran = Ran(f"{DISPLAY}display(SVG('x' * 1_000_001))")
    assert ran.result["figures"] == []
    assert "left out" in ran.output["stderr"]


def test_figures_of_one_run_do_not_show_up_in_the_next() -> None:
    Ran(f"{DISPLAY}display(SVG('<svg/>'))\nraise ValueError")
    assert Ran("1").result["figures"] == []


def html(text: str) -> Any:
    return Ran(f"{DISPLAY}HTML({text!r})").result["figures"][0]["nodes"]


def test_html_is_reduced_to_tables_and_text() -> None:
    text = (
        "<style>td {color: red}</style><table border=1 onclick='evil()'>"
        "<tr><td colspan=2 rowspan=x style='a'>A &amp; B<script>evil()</script></td></tr></table>"
        "<img src='https://evil.example/'><a href='javascript:evil()'>link</a>"
    )
    cell = ["td", {"colspan": 2}, ["A & B"]]
    assert html(text) == [["table", {}, [["tr", {}, [cell]]]], "link"]


def test_html_that_is_not_well_formed() -> None:
    assert html("<b>one</i></p>two") == [["b", {}, ["one", "two"]]]
    assert html("a<br>b</table>") == ["a", ["br", {}, []], "b"]


def test_deep_and_long_html_is_cut() -> None:
    depth = 0
    nodes = html("<div>" * 10_000 + "x")
    while nodes and isinstance(nodes[0], list):
        depth, nodes = depth + 1, nodes[0][2]
    assert depth < 30
    assert len(html("<br>" * 100_000)) <= 5_000


def test_files_that_were_written_are_returned(folder: Path) -> None:
    (folder / "old.txt").write_text("old")
    result = Ran(
        "from pathlib import Path\nPath('new.txt').write_text('new')\nPath('old.txt').read_text()"
    ).result
    assert result["files"] == [
        {"name": "new.txt", "size": 3, "base64": base64.b64encode(b"new").decode()}
    ]
    changed = Ran("Path('old.txt').write_text('other')").result["files"]
    assert [file["name"] for file in changed] == ["old.txt"]
    assert Ran("1").result["files"] == []


def test_large_files_are_named_only() -> None:
    code = "from pathlib import Path\nPath('big').write_bytes(bytes(3_000_000))"
    (file,) = Ran(code).result["files"]
    assert file == {"name": "big", "size": 3_000_000}


def test_a_link_to_nothing_is_no_file() -> None:
    result = Ran("import os\nos.symlink('nowhere', 'link')").result
    assert (result["ended"], result["files"]) == ("ok", [])
