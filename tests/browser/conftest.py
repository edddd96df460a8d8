"""A headless Chromium, driven over WebDriver's own HTTP, which needs no package beside the standard library."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_LOCAL = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Browser:
    """One session of a chromedriver that listens at ``port``."""

    def __init__(self, port: int, profile: Path, binary: str) -> None:
        self._base = f"http://127.0.0.1:{port}"
        options = {"binary": binary, "args": [*SWITCHES, f"--user-data-dir={profile}"]}
        capabilities = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        self._base += f"/session/{session['sessionId']}"

    def open(self, page: Path, fragment: str = "") -> None:
        """A page from disk. What was logged before is forgotten."""
        self._call("POST", "/url", {"url": "about:blank"})
        self.errors()
        self._call("POST", "/url", {"url": page.absolute().as_uri() + fragment})

    def run(self, script: str, *arguments: Any) -> Any:
        """What a function's body returns, on the page."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def click(self, css: str) -> None:
        """As a person does: it fails for what cannot be seen or is covered."""
        self._call("POST", f"/element/{self._found(css)}/click", {})

    def type(self, css: str, text: str) -> None:
        """Keys pressed where ``css`` is."""
        self._call("POST", f"/element/{self._found(css)}/value", {"text": text})

    def texts(self, css: str) -> list[str]:
        """Text of every element that shows."""
        script = (
            "return [...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility()).map(e => e.innerText)"
        )
        found: list[str] = self.run(script, css)
        return found

    def wait(self, script: str, *arguments: Any, seconds: float = 10.0) -> Any:
        """The first true answer of ``script``."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.run(script, *arguments)
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"never true: {script}")

    def errors(self) -> list[str]:
        """Warnings and errors of the console since the last call."""
        entries = self._call("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]

    def command(self, name: str, **parameters: Any) -> Any:
        """A command of Chromium's own protocol."""
        return self._call("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def resize(self, width: int, height: int, *, mobile: bool = False, scale: float = 1) -> None:
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=mobile
        )

    def prefer(self, **features: str) -> None:
        """What the system asks of pages, as in ``prefers_color_scheme="dark"``."""
        asked = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.command("Emulation.setEmulatedMedia", features=asked)

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))

    def quit(self) -> None:
        self._call("DELETE", "")

    def _found(self, css: str) -> str:
        found: str = self._call("POST", "/element", {"using": "css selector", "value": css})[_ELEMENT]
        return found

    def _call(self, verb: str, path: str, content: Any = None) -> Any:
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(self._base + path, data, method=verb)  # noqa: S310 the driver's, on this machine
        request.add_header("Content-Type", "application/json")
        try:
            with _LOCAL.open(request, timeout=300) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            told = json.load(error)["value"]
            raise AssertionError(f"{verb} {path}: {told['error']}: {told['message']}") from None


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser of the session; skips where there is none."""
    binary = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("needs chromium and chromedriver (apt-get install chromium chromium-driver)")
    folder = tmp_path_factory.mktemp("browser")
    with subprocess.Popen(
        [driver, "--port=0", f"--log-path={folder / 'log'}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as service:
        try:
            started = Browser(_port_of(service), folder / "profile", binary)
            try:
                yield started
            finally:
                started.quit()
        finally:
            service.terminate()


def _port_of(service: subprocess.Popen[str]) -> int:
    """The driver chooses a free port and says which."""
    assert service.stdout is not None
    for line in service.stdout:
        if "successfully on port" in line:
            return int(line.rstrip(".\n").rpartition(" ")[2])
    raise AssertionError("chromedriver ended before it listened")
