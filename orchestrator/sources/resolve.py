from orchestrator.errors import ExitCode
from orchestrator.sources.document import Pair, Scalar, Series, Table, Tree
from orchestrator.sources.findings import Findings, Position
from orchestrator.sources.interpolate import Fault, Miss, Variables, substitute

_CODES = {Fault.ABSENT: "secret-absent", Fault.INVALID: "bad-interpolation"}


class Resolver:
    """Puts the variables into every value of a tree, as Docker does; keys stay as they are.

    `names` gathers the variables that the file really uses. What cannot be resolved goes to
    the findings, at the place of the very `$`.
    """

    def __init__(self, variables: Variables, findings: Findings) -> None:
        self.names: dict[str, None] = {}
        self._variables = variables
        self._findings = findings
        self._done: dict[int, Tree] = {}

    def resolve(self, tree: Tree) -> Tree:
        """Return the tree with all variables replaced; shared subtrees stay shared."""
        if id(tree) not in self._done:
            self._done[id(tree)] = self._new(tree)
        return self._done[id(tree)]

    def needs(self, name: str, at: Position) -> None:
        """Note a variable that Docker would take from its environment without a `$`."""
        self.names[name] = None
        if name in self._variables.secret and name not in self._variables.present:
            self._report(Miss(fault=Fault.ABSENT, written=name, name=name), at)
        elif name not in self._variables.names:
            self._report(Miss(fault=Fault.BARE, written=name, name=name), at)

    def _new(self, tree: Tree) -> Tree:
        match tree:
            case Table(pairs=pairs, at=at):
                resolved = (Pair(key=p.key, at=p.at, value=self.resolve(p.value)) for p in pairs)
                return Table(pairs=tuple(resolved), at=at)
            case Series(items=items, at=at):
                return Series(items=tuple(self.resolve(item) for item in items), at=at)
            case Scalar(value=str(text)) if "$" in text:
                return self._scalar(tree, text)
        return tree

    def _scalar(self, scalar: Scalar, text: str) -> Scalar:
        result = substitute(text, self._variables)
        self.names.update(dict.fromkeys(result.names))
        for miss in result.misses:
            self._report(miss, place(scalar, miss.written))
        return Scalar(
            value=result.text,
            at=scalar.at,
            raw=scalar.raw,
            interpolated=result.text != text,
            broken=bool(result.misses),
            secret=result.secret,
        )

    def _report(self, miss: Miss, at: Position) -> None:
        absent = miss.fault is Fault.ABSENT
        what, fix = _words(miss, self._findings)
        self._findings.add(
            _CODES.get(miss.fault, "unset-variable"),
            what,
            at,
            fix=fix,
            evidence=_evidence(miss),
            exit_code=ExitCode.USAGE if absent else ExitCode.SOURCE_FAILED,
        )


def _evidence(miss: Miss) -> tuple[str, ...]:
    if miss.fault is not Fault.REQUIRED:
        return ()
    return (f"required variable {miss.name} is missing a value: {miss.message}",)


def place(scalar: Scalar, written: str) -> Position:
    """Return where in the file `written` stands within the scalar, its start if unseen."""
    before, found, _ = scalar.raw.partition(written)
    if not found:
        return scalar.at
    lines = before.split("\n")
    column = len(lines[-1]) + (scalar.at.column if len(lines) == 1 else 1)
    return Position(scalar.at.line + len(lines) - 1, column)


def _words(miss: Miss, findings: Findings) -> tuple[str, str]:
    if miss.fault is Fault.INVALID:
        return "this `$` starts no variable", "write `$$` where a dollar is meant"
    if miss.fault is Fault.ABSENT:
        what = f"the secret variable {miss.name} is not in your environment"
        return what, f"export {miss.name}=... before running dtdeploy"
    unit = findings.unit
    what = f"the variable {miss.name} has no value for {unit}"
    place = f" ({findings.declared})" if findings.declared else ""
    instead = (
        f"write {miss.name}=value in the compose file"
        if miss.fault is Fault.BARE
        else f"give it a default in the compose file: ${{{miss.name}:-value}}"
    )
    return what, (
        f"set {miss.name} under `variables:` of {unit.stack} at {unit.site}{place}, or {instead}"
    )
