"""Foreign words that try to be more than words, planted wherever a plan holds any."""

from dataclasses import replace

from hypothesis import strategies as st

from orchestrator.fleet.drift import Change, How
from orchestrator.fleet.presence import Presence
from orchestrator.fleet.unit import Revision
from orchestrator.planning.plan import Before, LeftOut, Plan, Untouched
from orchestrator.sources.span import Commit, Span
from tests.ui.values import CLIENTS, OLD, SERVER, SHA, healthy, plan_of, unit_plan

_TRICKS = (
    "<script>alert(1)</script>",
    "</code></details><img src=x onerror=alert(1)>",
    "<!-- -->",
    "@everyone @torvalds",
    "fixes #1, closes org/repo#2 GH-3",
    "![x](https://evil.example/x.png)",
    "[click](javascript:alert(1))",
    "https://evil.example www.evil.example me@evil.example",
    "| a | b |",
    "\\| <b>",
    "``` \n# heading\n/close",
    "`code`",
    "**bold** _it_ ~~no~~ $x$",
    '"]; click n0 "javascript:alert(1)" n0["',
    "%%{init: {'securityLevel': 'loose'}}%%",
    "end\nsubgraph x",
    "&lt;b&gt; &#60;b&#62;",
    "]]> &amp; <![CDATA[",
    "\x1b[2J\x00",
    "\u202egnp.exe",
)
HOSTILE = st.one_of(
    st.sampled_from(_TRICKS),
    st.text(max_size=60),
    st.lists(st.sampled_from(_TRICKS), min_size=2, max_size=3).map(" ".join),
    st.text(alphabet="<>&|`@#[]()!*_~$\\:/.\"'\n abcGH-123wW", max_size=60),
)


def planted(words: str) -> Plan:
    """Return a plan that says `words` wherever it can say what others wrote."""
    sick = replace(healthy(), presence=Presence.UNKNOWN, words=(words,))
    plan = plan_of(
        unit_plan(SERVER, reason=words, dangers=(words,)),
        unit_plan(CLIENTS[2], before=sick, reason=words),
        unit_plan(CLIENTS[3], before=Before(presence=Presence.GONE), reason=words),
        selection=words,
        dangers=(words,),
        unseen=(words,),
        untouched=(Untouched(name="hco", reason=words),),
    )
    units = tuple(
        replace(item, commands=(words, *item.commands), compose=words) for item in plan.units
    )
    steps = tuple(replace(step, reason=words) for step in plan.steps)
    units = tuple(replace(item, drift=(_change(words),)) for item in units)
    left = LeftOut(unit=CLIENTS[0], reason=words)
    return replace(
        plan,
        units=units,
        steps=steps,
        left_out=(left,),
        because=words,
        spans=(_span(words),),
    )


def _change(words: str) -> Change:
    return Change(service=words, kind="label", how=How.CHANGED, item=words, now=words, declared="x")


def _span(words: str) -> Span:
    commit = Commit(sha=SHA, subject=words, author=words, date="2026-11-22T03:00:00Z")
    new = Revision(repo="datatrail", sha=SHA)
    return Span(old=Revision(repo="datatrail", sha=OLD), new=new, commits=(commit,))
