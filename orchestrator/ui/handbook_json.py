from orchestrator.ui.handbook import Entry, Handbook, advice
from orchestrator.ui.json_values import Json


def entry_json(book: Handbook, entry: Entry) -> Json:
    """Return a code for a machine."""
    return {
        "event": "explained",
        "code": entry.code,
        "exit_codes": [int(code) for code in entry.exits],
        "means": entry.means,
        "runbooks": list(entry.runbooks),
        "do": [
            does for name in entry.runbooks if (does := advice(entry, book.pages.get(name, "")))
        ],
    }
