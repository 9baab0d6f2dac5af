"""Differences and commits as JSON values; the keys stand in `json_values`."""

from typing import Any

from orchestrator.fleet.drift import Change
from orchestrator.sources.span import Span
from orchestrator.words.foreign import clean

Json = dict[str, Any]


def change_json(change: Change) -> Json:
    """Return a difference; values are null where they are hidden."""
    return {
        "service": change.service or None,
        "kind": change.kind,
        "item": clean(change.item) or None,
        "how": change.how.value,
        "now": clean(change.now) or None,
        "declared": clean(change.declared) or None,
        "hidden": change.hidden,
        "words": clean(str(change)),
    }


def span_json(span: Span) -> Json:
    """Return the commits between two revisions."""
    return {
        "repo": span.new.repo,
        "old": span.old.sha,
        "new": span.new.sha,
        "commits": [
            {
                "sha": commit.sha,
                "subject": clean(commit.subject),
                "author": clean(commit.author),
                "date": commit.date,
            }
            for commit in span.commits
        ],
        "more": span.more,
        "back": span.back,
        "told": span.told,
    }
