import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

from orchestrator.report.html_form import clock, report_html
from orchestrator.report.timeline import Timeline
from tests.report.journals import (
    BROKEN,
    closed,
    failed,
    killed_and_resumed,
    lock,
    opened,
    read,
    sent,
    simulated_failure,
    whole_restart,
)

FAILED = read(
    opened(1000.0),
    lock(1000.1, "taken"),
    failed(1001.0, "deploy app@home"),
    closed(1002.0, 21, {"owed": {"app@home": "<b>it</b> crashes"}}),
)


class Page(HTMLParser):
    """Every tag with its attributes, and whatever is loaded from somewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.asked: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        loads = {"src", "srcset", "data", "poster", "action", "background"}
        self.asked += [
            f"{tag} {name}={value}"
            for name, value in attrs
            if name in loads or (name == "href" and not (value or "").startswith("#"))
        ]
        if tag not in {"meta", "br", "link"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.tags.append(tag)


def pages() -> list[Timeline]:
    return [FAILED, read(*whole_restart()), killed_and_resumed(), simulated_failure()]


def test_the_page_asks_nobody_for_anything_and_closes_what_it_opens() -> None:
    for run in pages():
        page = Page(report_html(run))
        assert (page.asked, page.open) == ([], [])
        assert page.tags.count("script") == 1
        assert not {"link", "img", "iframe", "object"} & set(page.tags)


def test_only_its_own_style_and_script_may_run() -> None:
    text = report_html(FAILED)
    for tag in ("style", "script"):
        found = re.search(f"<{tag}>(.*)</{tag}>", text, re.DOTALL)
        assert found
        digest = b64encode(sha256(found[1].encode()).digest()).decode()
        assert (
            f"{tag}-src &#39;sha256-{digest}&#39;" in text or f"{tag}-src 'sha256-{digest}'" in text
        )
    assert "unsafe" not in text
    assert " style=" not in text


def test_words_of_others_are_text_and_nothing_else() -> None:
    text = report_html(FAILED)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; task: non-zero exit (1)" in text
    assert "&lt;b&gt;it&lt;/b&gt; crashes" in text
    assert BROKEN.evidence[0] not in text


def test_what_went_wrong_is_said_with_its_runbook_and_what_to_type() -> None:
    text = report_html(FAILED)
    assert "dtdeploy explain service-not-healthy" in text
    assert "dtdeploy up --owed" in text
    assert "What went wrong" not in report_html(read(*whole_restart()))


def test_every_bar_can_be_reached_and_says_what_it_is() -> None:
    run = read(*whole_restart())
    text = report_html(run)
    bars = sum(len(track.bars) for track in run.tracks)
    assert text.count('<g class="bar" tabindex="0" role="img" aria-label="') == bars
    assert text.count("<title>app") == bars


def test_effects_are_said_in_words_and_ids_as_short_as_dockers() -> None:
    run = read(
        opened(1000.0),
        sent(1000.2, "remove app@home", services="x1yxcl0qctcv7yzw4cbqkcwtj,short"),
    )
    text = report_html(run)
    assert '<td class="nowrap">remove services</td>' in text
    assert "services: x1yxcl0qctcv, short" in text
    assert "x1yxcl0qctcv7" not in text


def test_a_moment_is_rounded_into_the_next_second() -> None:
    assert (clock(59.96), clock(0.04)) == ("00:01:00.0", "00:00:00.0")
