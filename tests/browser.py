"""A browser for tests: Chromium, driven by chromedriver's plain HTTP protocol (W3C WebDriver)."""

import base64
import contextlib
import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--hide-scrollbars",
]
PATIENCE = 30  # seconds for the browser to do something


def missing():
    """What is not installed, as a reason to skip; None where a browser can be had."""
    if not shutil.which("chromedriver"):
        return "chromedriver is not installed (Debian: apt install chromium chromium-driver)"
    if not (shutil.which("chromium") or shutil.which("google-chrome")):
        return "neither chromium nor google-chrome is installed"
    return None


class Browser:
    """One window."""

    def __init__(self, profile):
        self._driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        port = None
        while port is None:
            line = self._driver.stdout.readline().decode()
            assert line, "chromedriver did not start"
            found = re.search(r"successfully on port (\d+)", line)
            port = found and found[1]
        self._base = f"http://127.0.0.1:{port}/session"
        binary = shutil.which("chromium") or shutil.which("google-chrome")
        options = {"binary": binary, "args": [*FLAGS, f"--user-data-dir={profile}"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        try:
            answer = self._post("", {"capabilities": {"alwaysMatch": wanted}})
        except BaseException:
            self._driver.kill()
            raise
        self._base += f"/{answer['sessionId']}"

    def _post(self, path, body=None, method="POST"):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=PATIENCE * 2) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from None

    def close(self):
        """End the browser and its driver."""
        with contextlib.suppress(OSError, AssertionError):
            self._post("", method="DELETE")
        self._driver.terminate()
        self._driver.wait(10)
        self._driver.stdout.close()

    def open(self, address):
        """Go to a page."""
        self._post("/url", {"url": address})

    def run(self, script, *arguments):
        """Run a script in the page; returns what it returns."""
        return self._post("/execute/sync", {"script": script, "args": list(arguments)})

    def tell(self, command, **parameters):
        """Tell the browser something of the DevTools protocol."""
        return self._post("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def size(self, width, height, phone=False):
        """Make the window as large as that, or a phone's screen."""
        options = {"width": width, "height": height, "deviceScaleFactor": 2 if phone else 1}
        self.tell("Emulation.setDeviceMetricsOverride", **options, mobile=phone)

    def media(self, kind="", scheme="light"):
        """Show the page as on a ``"print"``, or in ``"dark"`` colours."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.tell("Emulation.setEmulatedMedia", media=kind, features=features)

    def point(self, x, y):
        """Move the pointer."""
        self.tell("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def picture(self, path, whole=True):
        """Write a screenshot."""
        options = {"captureBeyondViewport": whole}
        if whole:
            high = self.run("return document.documentElement.scrollHeight")
            wide = self.run("return innerWidth")
            options["clip"] = {"x": 0, "y": 0, "width": wide, "height": high, "scale": 1}
        data = self.tell("Page.captureScreenshot", **options)["data"]
        path.write_bytes(base64.b64decode(data))

    def pdf(self, path):
        """Print the page."""
        data = self.tell("Page.printToPDF", printBackground=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def wait(self, script):
        """Wait until a script returns something true; returns that."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = self.run(script)
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"it did not come to pass: {script}")

    def complaints(self):
        """What the browser's console says since the last call."""
        return [one["message"] for one in self._post("/se/log", {"type": "browser"})]
