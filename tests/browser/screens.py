"""Take pictures of reports: python -m tests.browser.screens FOLDER."""

import sys
from pathlib import Path
from typing import Literal

from tests.browser.chromium import DESKTOP, PHONE, chromium, shown
from tests.browser.pages import write_pages

_WIDTHS = {"phone": PHONE, "desktop": DESKTOP}


def take(folder: Path) -> list[Path]:
    """Write each page, its pictures (light and dark, phone and desktop) and a PDF; return all."""
    folder.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    colors: Literal["light", "dark"]
    with chromium() as browser:
        for name, page in write_pages(folder).items():
            for colors in ("light", "dark"):
                for place, width in _WIDTHS.items():
                    made.append(folder / f"{name}-{colors}-{place}.png")
                    with shown(browser, page.as_uri(), width=width, colors=colors) as seen:
                        seen.page.screenshot(path=made[-1], full_page=True)
            made.append(folder / f"{name}.pdf")
            with shown(browser, page.as_uri()) as seen:
                seen.page.pdf(path=made[-1], format="A4")
    return made


if __name__ == "__main__":
    sys.stdout.writelines(f"{path}\n" for path in take(Path(sys.argv[1])))
