"""Prints the path of a Chromium or Chrome, or fails: python -m scripts.find_browser

The browser tests and the README's pictures use it: the one that DIGITS_BROWSER names, else one on the PATH, else
Playwright's own.
"""

import os
import shutil
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# For a browser that runs as root, without a screen, and on a network that does not reach its maker's hosts.
BROWSER_ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]


def find_browser() -> Path | None:
    """The browser's executable, or None."""
    if named := os.environ.get("DIGITS_BROWSER"):
        return Path(named)
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return own if own.exists() else None


if __name__ == "__main__":
    browser = find_browser()
    if browser is None:
        sys.exit("No Chromium or Chrome was found.")
    print(browser)
