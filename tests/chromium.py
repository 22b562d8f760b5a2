"""Headless Chromium for tests, driven through its DevTools pipe: no network, no other package, no port."""

from __future__ import annotations

import base64
import io
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from PIL import Image

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    # whatever a page asks for goes nowhere; that it asks for nothing is seen in what the browser tells of requests
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=127.0.0.1:9",
    "--remote-debugging-pipe",
)
_PATIENCE = 40.0


def chromium() -> str | None:
    """Return the browser's path, or None where there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


class Browser:
    """One browser with one page.

    What the page asks for, what it writes to the console, what it throws and what its policy refuses is kept in
    ``requests`` and ``complaints``.
    """

    def __init__(self, *, width: int = 1400, height: int = 1000, phone: bool = False) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._waiting: list[dict[str, Any]] = []
        self._serial = 0
        self._rest = b""
        self._size = (width, height, phone)

    def __enter__(self) -> Browser:
        path = chromium()
        assert path is not None, "no browser"
        self._profile = tempfile.TemporaryDirectory(prefix="gridgeo-browser-", ignore_cleanup_errors=True)
        to_browser, self._writer = os.pipe()
        self._reader, from_browser = os.pipe()
        os.set_blocking(self._reader, False)
        # the browser reads commands at descriptor 3 and answers at 4; a shell puts ours there, whatever their numbers
        shell = f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, path, *_FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"],
            pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(to_browser)
        os.close(from_browser)
        targets: list[dict[str, str]] = []
        while not targets:
            found = self.call("Target.getTargets", session=None)["targetInfos"]
            targets = [target for target in found if target["type"] == "page"]
        attached = self.call("Target.attachToTarget", session=None, targetId=targets[0]["targetId"], flatten=True)
        self._session: str = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        width, height, phone = self._size
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )
        self.call("Emulation.setTouchEmulationEnabled", enabled=phone)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._writer)
        os.close(self._reader)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(5)
        self._profile.cleanup()

    # ------------------------------------------------------------------------------------------------ the pipe

    def call(self, method: str, *, session: str | None = "page", **parameters: Any) -> dict[str, Any]:
        """Send a command and return its answer; what the browser tells meanwhile is kept."""
        self._serial += 1
        command: dict[str, Any] = {"id": self._serial, "method": method, "params": parameters}
        if session is not None:
            command["sessionId"] = self._session
        os.write(self._writer, json.dumps(command).encode() + b"\0")
        while True:
            message = self._next()
            if message.get("id") == self._serial:
                assert "error" not in message, (method, message["error"])
                result: dict[str, Any] = message["result"]
                return result

    def _next(self) -> dict[str, Any]:
        limit = time.monotonic() + _PATIENCE
        while b"\0" not in self._rest:
            left = limit - time.monotonic()
            assert left > 0, "the browser does not answer"
            if select.select([self._reader], [], [], left)[0]:
                received = os.read(self._reader, 1 << 20)
                assert received, "the browser has ended"
                self._rest += received
        text, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        self._keep(message)
        return message

    def _keep(self, message: dict[str, Any]) -> None:
        told = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(told["request"]["url"])
            case "Log.entryAdded":
                self.complaints.append(told["entry"]["text"])
            case "Runtime.consoleAPICalled":
                self.complaints.append(" ".join(str(argument.get("value")) for argument in told["args"]))
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(told["exceptionDetails"], ensure_ascii=False))
            case "Page.javascriptDialogOpening":
                self.complaints.append(f"dialogue: {told['message']}")
            case "Page.loadEventFired":
                self._waiting.append(message)

    # ------------------------------------------------------------------------------------------------ the page

    def open(self, path: Path, *, fragment: str = "") -> None:
        """Load a file and wait until it has drawn."""
        # what the blank page tells must not be taken for what the file tells
        for address in ("about:blank", path.resolve().as_uri() + fragment):
            self._waiting.clear()
            self.requests.clear()
            self.call("Page.navigate", url=address)
            while not self._waiting:
                self._next()
        self.settle()

    def settle(self, seconds: float = 0.4) -> None:
        """Let animations and scripts of the page come to rest."""
        time.sleep(seconds)
        self.call("Runtime.evaluate", expression="1")  # takes up what the browser told meanwhile

    def evaluate(self, script: str) -> Any:
        """Return the value of an expression in the page."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def middle(self, selector: str) -> tuple[float, float]:
        """Return where the middle of an element is on the screen."""
        x, y = self.evaluate(
            f"(() => {{ const box = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        return float(x), float(y)

    def move(self, x: float, y: float) -> None:
        """Move the mouse there."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, x: float, y: float) -> None:
        """Click with the left button, as a person does."""
        self.move(x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        self.settle()

    def press(self, key: str) -> None:
        """Press one key: ``Enter``, ``Tab``, ``Escape``."""
        code = {"Enter": 13, "Tab": 9, "Escape": 27}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)
        self.settle(0.1)

    def type(self, text: str) -> None:
        """Write into what has the focus."""
        self.call("Input.insertText", text=text)
        self.settle(0.2)

    def picture(self) -> Image.Image:
        """Return what is seen."""
        data = self.call("Page.captureScreenshot", format="png")["data"]
        return Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
