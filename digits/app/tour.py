"""Three steps that show the app to those who open it for the first time."""

from digits.app.components.browser import browser_component
from digits.app.language import say

_HTML = """
<div class="tour" role="note" hidden>
  <p class="step"></p>
  <div class="buttons">
    <span class="count"></span>
    <button type="button" data-do="skip"></button>
    <button type="button" data-do="next"></button>
  </div>
</div>
"""


def show_tour() -> None:
    """Shows the steps, one after the other, in a browser that has not shown them before.

    The browser keeps that it has shown them, so that they never come back.
    """
    steps = [
        say("Draw a digit with mouse, pen or finger, or give a picture: upload, paste, camera, or a sample."),
        say("The answer follows your pen. Filled: the network is sure. An outline with a question mark: it doubts."),
        say("Say whether it is right, and open Why to see what spoke for it. Other pages read whole numbers and more."),
    ]
    browser_component("tour", _HTML, "buttons", "tour")(
        key="tour",
        data={"steps": steps, "skip": say("Skip"), "next": say("Next"), "done": say("Done")},
    )
