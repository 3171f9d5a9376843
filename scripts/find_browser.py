"""Finds the browser for tests and screenshots, and prints its path: python -m scripts.find_browser

This is the Chromium or Chrome that DIGITS_BROWSER names, or else one on the PATH, or else Playwright's own. The command
fails if there is none.
"""

import os
import shutil
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Options for a browser that runs as root, without a screen, and without access to its maker's hosts.
BROWSER_ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]


def find_browser() -> Path | None:
    """Returns the path of the browser's executable, or None if there is none."""
    if named := os.environ.get("DIGITS_BROWSER"):
        return Path(named)
    for name in NAMES:
        if path := shutil.which(name):
            return Path(path)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return own if own.exists() else None


if __name__ == "__main__":
    browser = find_browser()
    if browser is None:
        sys.exit("There is no Chromium or Chrome. Install one, or name it in DIGITS_BROWSER.")
    print(browser)
