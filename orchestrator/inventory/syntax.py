"""What ruamel says about text that is no YAML, in an operator's words."""

from ruamel.yaml.error import MarkedYAMLError

from orchestrator.errors import Problem, Where
from orchestrator.inventory.document import Position, complaint

# (part of ruamel's words, what to say, what to do)
_KNOWN = (
    (r"found character '\t'", "a tab where spaces belong", "indent with spaces, not tabs"),
    (
        "that cannot start any token",
        "a value must not begin with this character",
        'put the value in "quotes"',
    ),
    (
        "mapping values are not allowed here",
        "a second `: ` in this line, or a wrong indentation",
        'put a value that holds ": " in "quotes", or indent the line like its neighbours',
    ),
    (
        "found unknown escape character",
        "an unknown escape after a backslash",
        "use 'single quotes', in which a backslash is just a backslash",
    ),
    (
        "could not find expected ':'",
        "a line without its colon",
        "write `key: value`; check the indentation of the lines around",
    ),
    (
        "expected <block end>",
        "the indentation does not fit the lines above",
        "indent this line exactly like its neighbours",
    ),
)
_UNCLOSED = "the file ends before this is closed"


def syntax_problem(
    error: MarkedYAMLError, text: str, file: str, bracket: Position | None
) -> Problem:
    """Translate a ruamel error; `bracket` is where a still open [ or { stands, if any."""
    words = str(error.problem or error.context or "")
    position = _place(error)
    if "tag" in words or "tag" in str(error.context):
        fix = 'put text that begins with ! in "quotes"'
        return _problem("tags are not allowed", fix, file, position)
    if "end>" in words or "end of stream" in words:
        return _unclosed(error, words, file, bracket)
    if bracket and "expected ','" in words:
        what, fix = _in_brackets(text, position)
        position = bracket if bracket.line < position.line else position
    else:
        what, fix = next(
            ((what, fix) for part, what, fix in _KNOWN if part in words),
            ("this is not valid YAML", "compare the line with its neighbours"),
        )
    return _problem(f"{what} ({words})", fix, file, position)


def _in_brackets(text: str, position: Position) -> tuple[str, str]:
    line = text.splitlines()[position.line - 1 : position.line]
    if line and line[0][position.column - 1 : position.column] == "{":
        return "text with { } inside [ ] needs quotes", 'write ["like-{site}", "this"]'
    return "a comma or a closing bracket is missing", "separate entries by commas, end with ] or }"


def _unclosed(error: MarkedYAMLError, words: str, file: str, bracket: Position | None) -> Problem:
    mark = error.context_mark
    quote = (
        Position(mark.line + 1, mark.column + 1)
        if mark and "quoted" in str(error.context)
        else None
    )
    if quote:
        return _problem(f"{_UNCLOSED} ({words})", "close the quote", file, quote)
    if bracket:
        return _problem(f"{_UNCLOSED} ({words})", "close the bracket", file, bracket)
    what = f"this is not valid YAML ({words})"
    return _problem(what, "compare the line with its neighbours", file, _place(error))


def _place(error: MarkedYAMLError) -> Position:
    mark = error.problem_mark or error.context_mark
    if error.context_mark and "could not find expected ':'" in str(error.problem):
        mark = error.context_mark  # the line that lacks it; the other is where ruamel gave up
    return Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)


def _problem(what: str, fix: str, file: str, position: Position) -> Problem:
    where = Where(file=file, line=position.line, column=position.column)
    return complaint("not-yaml", what, where, fix=fix)
