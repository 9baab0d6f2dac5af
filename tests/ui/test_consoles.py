import os
import pty
from io import StringIO

from rich.console import Console

from orchestrator.ui.consoles import SteadyStream, labelled, open_console, plain, show, whole

_LONG = "docker " + "word " * 40 + "end"


class Closed(StringIO):
    """A pipe whose reader has gone."""

    def write(self, text: str) -> int:
        del text
        raise BrokenPipeError(32, "Broken pipe")


class Ascii(StringIO):
    @property
    def encoding(self) -> str:  # type: ignore[override]  # StringIO says None here
        return "ascii"


def test_a_reader_that_goes_away_does_not_end_the_run() -> None:
    stream = SteadyStream(Closed())
    console = Console(file=stream, width=80)  # type: ignore[arg-type]  # what open_console does
    show(console, whole("lost"))
    show(console, whole("lost too"))
    assert isinstance(stream.broken, BrokenPipeError)


def test_what_an_encoding_lacks_is_escaped_instead_of_failing() -> None:
    out = Ascii()
    show(open_console(out, {}), whole("caf\u00e9 \u2192"))
    assert out.getvalue() == "caf\\xe9 \\u2192\n"


def test_a_whole_line_is_neither_broken_nor_cut() -> None:
    assert plain(whole(_LONG), 40) == [_LONG]
    for terminal in (True, False):
        out = StringIO()
        show(Console(file=out, width=40, force_terminal=terminal, color_system=None), whole(_LONG))
        assert _LONG in out.getvalue().splitlines()


def test_brackets_and_colons_of_others_mean_nothing() -> None:
    words = "[bold red]x[/] [link=https://x]y[/link] :boom: [/nope]"
    out = StringIO()
    show(Console(file=out, width=200, force_terminal=True, color_system=None), whole(words))
    assert out.getvalue() == f"{words}\n"
    assert plain(labelled([("l", words)], indent=0), 200) == [f"l  {words}"]


def test_a_pipe_gets_wide_lines_without_trailing_blanks() -> None:
    out = StringIO()
    console = open_console(out, {"TERM": "xterm-256color"})
    show(console, labelled([("a", "short"), ("b", "a longer text")]))
    assert console.width == 120
    assert out.getvalue() == "  a  short\n  b  a longer text\n"


def test_a_terminal_is_asked_for_its_width_whatever_columns_says() -> None:
    leader, follower = pty.openpty()
    with os.fdopen(leader, "rb"), os.fdopen(follower, "w") as stream:
        console = open_console(stream, {"COLUMNS": "33", "TERM": "xterm"})
        assert console.is_terminal
        assert console.width != 33


def test_no_color_is_honoured() -> None:
    assert open_console(StringIO(), {"NO_COLOR": "1"}).no_color
