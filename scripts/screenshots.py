"""Takes the README's screenshots of app and API: python -m scripts.screenshots"""

import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from digits.launcher import services
from scripts.find_browser import BROWSER_ARGUMENTS, find_browser

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
API_PORT, APP_PORT = 8000, 8501


def take(browser: Browser) -> None:
    """Opens app and docs and writes one picture of each."""
    page = browser.new_page(viewport={"width": 900, "height": 1330})
    page.goto(f"http://127.0.0.1:{APP_PORT}")
    page.get_by_role("button", name="blue pen").click()
    page.get_by_role("img", name="Predicted digit").wait_for()
    page.wait_for_timeout(2_000)  # Until charts have settled.
    page.screenshot(path=IMAGES / "app.png")
    page.set_viewport_size({"width": 1000, "height": 900})
    page.goto(f"http://127.0.0.1:{API_PORT}/docs")
    page.get_by_text("/predict/").first.click()
    page.get_by_role("button", name="Try it out").click()
    page.locator("input[type=file]").set_input_files(ROOT / "digits" / "samples" / "2_blue_pen.png")
    page.get_by_role("button", name="Execute").click()
    page.get_by_text("Server response").scroll_into_view_if_needed()
    page.wait_for_timeout(1_000)
    page.screenshot(path=IMAGES / "api.png")


def main() -> int:
    """Starts both servers on the shipped model, takes the pictures, stops them."""
    executable = find_browser()
    if executable is None:
        print("No Chromium or Chrome was found.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        # Elsewhere, so that a trained model in the working folder stays out of the pictures.
        for name in ("api", "app.py", "ui", ".streamlit"):
            (Path(folder) / name).symlink_to(ROOT / name)
        chosen = services(API_PORT, APP_PORT)
        servers = [subprocess.Popen(service.command, cwd=folder, stdout=subprocess.DEVNULL) for service in chosen]
        try:
            for service in chosen:
                for _ in range(300):
                    try:
                        urllib.request.urlopen(service.address + service.ready_path)
                        break
                    except (urllib.error.URLError, OSError):
                        time.sleep(0.1)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=executable, args=BROWSER_ARGUMENTS)
                take(browser)
                browser.close()
        finally:
            for server in servers:
                server.terminate()
                server.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
