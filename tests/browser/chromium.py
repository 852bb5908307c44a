"""A headless Chromium, driven over its DevTools protocol through two pipes: nothing to install but the browser.

The protocol: https://chromedevtools.github.io/devtools-protocol/. With --remote-debugging-pipe, the browser reads
commands from file descriptor 3 and writes answers and events to 4; each is JSON that ends with a zero byte.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
VARIABLE = "CALIBEVAL_CHROMIUM"
PATIENCE = 60.0
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # containers seldom allow it; only pages of our own are opened
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--hide-scrollbars",
    "--no-first-run",
    "--remote-debugging-pipe",
)
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
KEYS |= {"Home": 36, "End": 35}
# Becomes the program, with these two descriptors as 3 and 4.
STARTER = "import os, sys; [os.dup2(int(sys.argv[i]), i + 2) for i in (1, 2)]; os.execv(sys.argv[3], sys.argv[3:])"
TYPED = {"Enter": "\r", " ": " "}


def found() -> str | None:
    """The browser: the one that the variable names, or the first on the path."""
    named = os.environ.get(VARIABLE)
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


class Chromium:
    """A browser that runs until it is closed."""

    def __init__(self, program: str) -> None:
        commands, self._write = _high_pipe()
        self._read, answers = _high_pipe()
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        start = [sys.executable, "-c", STARTER, str(commands), str(answers)]
        self._process = subprocess.Popen(
            [*start, program, *ARGUMENTS, f"--user-data-dir={self._profile.name}"],
            pass_fds=(commands, answers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._rest, self._number = b"", 0
        self.events = []

    def call(self, method, session=None, **params):
        """The result of a command; events that come before it are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next(method)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def wait(self, event, session):
        """The parameters of the next such event, or of one that has come; earlier events are kept."""
        while True:
            for one in self.events:
                if one["method"] == event and one.get("sessionId") == session:
                    self.events.remove(one)
                    return one["params"]
            self._next(event)

    def _next(self, wanted):
        end = time.monotonic() + PATIENCE
        while b"\0" not in self._rest:
            if not select.select([self._read], [], [], max(0.0, end - time.monotonic()))[0]:
                raise TimeoutError(f"{wanted}: no answer from Chromium in {PATIENCE:g} s")
            some = os.read(self._read, 1 << 20)
            if not some:
                raise RuntimeError(f"{wanted}: Chromium ended with exit code {self._process.wait()}")
            self._rest += some
        message, _, self._rest = self._rest.partition(b"\0")
        answer = json.loads(message)
        if "method" in answer:
            self.events.append(answer)
        return answer

    def close(self):
        with suppress(OSError, RuntimeError, TimeoutError):
            self.call("Browser.close")
        os.close(self._write)
        os.close(self._read)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._profile.cleanup()


def _high_pipe():
    """Both ends of a pipe, to read and to write, above the descriptors that the browser uses."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return high


class Tab:
    """One page in a browser, opened from a file at a width, light or dark; scripts=False: it may run none."""

    def __init__(self, browser: Chromium, path: Path, width=1280, *, dark=False, scripts=True, touch=False) -> None:
        self._browser, self._path = browser, path
        self._target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.call("Target.attachToTarget", targetId=self._target, flatten=True)
        self._session = attached["sessionId"]
        self.width, self.touch = width, touch
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.call("Emulation.setTouchEmulationEnabled", enabled=touch)
        self.paint(dark=dark)
        self.call("Page.bringToFront")
        self.resize(800)
        self.call("Page.navigate", url=path.as_uri())
        browser.wait("Page.loadEventFired", self._session)

    def close(self):
        self._browser.call("Target.closeTarget", targetId=self._target)
        self._browser.events.clear()

    def call(self, method, **params):
        return self._browser.call(method, self._session, **params)

    def resize(self, height):
        """The same width, whatever the height: in pixels of the page, as a telephone has them if it is narrow."""
        size = {"width": self.width, "height": height, "deviceScaleFactor": 1, "mobile": self.width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def paint(self, *, dark=False, media=""):
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def run(self, expression):
        """The value of a JavaScript expression, which may be a promise."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description", "an exception"))
        return answer["result"].get("value")

    def unfolded(self):
        """Everything open, and a window as tall as the page, so that every element has a place in it."""
        self.run("document.querySelectorAll('details').forEach(one => { one.open = true })")
        self.resize(max(400, int(self.run("document.documentElement.scrollHeight")) + 50))
        return self

    def press(self, key, *, shift=False):
        held = {"modifiers": 8 if shift else 0, "key": key, "code": "Space" if key == " " else key}
        down = "keyDown" if key in TYPED else "rawKeyDown"
        text = {"text": TYPED[key]} if key in TYPED else {}
        self.call("Input.dispatchKeyEvent", type=down, windowsVirtualKeyCode=KEYS[key], **held, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", windowsVirtualKeyCode=KEYS[key], **held)

    def point(self, x, y):
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, x, y):
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def tap(self, x, y):
        self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def complaints(self):
        """What the console shows: messages, exceptions, violations of the policy."""
        self.run("new Promise(done => setTimeout(done, 20))")
        wanted = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Audits.issueAdded")
        return [f"{one['method']}: {json.dumps(one['params'])[:300]}" for one in self._mine(wanted)]

    def requests(self):
        """What was asked for beside the page itself; data is in the page."""
        urls = [one["params"]["request"]["url"] for one in self._mine(("Network.requestWillBeSent",))]
        return [url for url in urls if url != self._path.as_uri() and not url.startswith("data:")]

    def pdf(self):
        """The bytes of the printed page, and how many sheets it takes."""
        printed = base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"])
        return printed, len(re.findall(rb"/Type\s*/Page\b", printed))

    def screenshot(self):
        return base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def _mine(self, methods):
        return [one for one in self._browser.events if one["method"] in methods and one["sessionId"] == self._session]
