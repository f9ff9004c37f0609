"""HTMLReport in a real browser: phone, dark, print, values under the pointer, refreshing."""

import functools
import http.server
import re
import threading

import numpy as np
import pytest

from kerasish import Sequential, datasets, layers
from kerasish.callbacks import HTMLReport, LambdaCallback
from kerasish.callbacks import html_report as module
from tests import browser as browser_module

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(browser_module.missing() is not None, reason=str(browser_module.missing())),
]

TIP = "document.getElementById('tip')"


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    opened = browser_module.Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture
def browser(window):
    window.size(1200, 900)
    window.media()
    window.open("about:blank")
    window.complaints()
    yield window
    assert window.complaints() == []  # no errors, and nothing that the page's policy forbids


def train(path, *callbacks, epochs=6):
    (x, y), (x_test, y_test) = datasets.digits.load_data()
    model = Sequential(
        [
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ],
        name="digits",
        seed=0,
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model.fit(
        x / 16,
        y,
        epochs=epochs,
        verbose=0,
        validation_data=(x_test / 16, y_test),
        callbacks=[HTMLReport(path), *callbacks],
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    return path, train(path)


def center(browser, selector):
    script = """const box = document.querySelector(arguments[0]).getBoundingClientRect();
        return [box.left + box.width / 2, box.top + box.height / 2]"""
    return browser.run(script, selector)


@pytest.mark.parametrize("width", [360, 768, 1200])
def test_nothing_is_wider_than_the_screen(browser, finished, width):
    browser.size(width, 800, phone=width == 360)
    browser.open(finished[0].as_uri())
    assert browser.run("return document.documentElement.scrollWidth") == width
    small = browser.run(
        """const sizes = [];
        for (const one of document.querySelectorAll("#report *")) {
          const text = [...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
          if (!text || !one.getClientRects().length) continue;
          const svg = one.ownerSVGElement;
          if (one.tagName === "title") continue;
          const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
          sizes.push([scale * parseFloat(getComputedStyle(one).fontSize), one.outerHTML]);
        }
        return sizes.filter(([size]) => size < 10.5)"""
    )
    assert small == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(browser, finished, scheme):
    browser.media(scheme=scheme)
    browser.open(finished[0].as_uri())
    found = browser.run(
        """const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
        const behind = (one) => {
          for (let at = one; at; at = at.parentElement) {
            const [r, g, b, a = 1] = numbers(getComputedStyle(at).backgroundColor);
            if (a > 0.9) return [r, g, b];
          }
          return [255, 255, 255];
        };
        return [...document.querySelectorAll("h1, h2, p, dt, dd, th, .legend, .state, li, footer")]
          .filter((one) => one.textContent.trim())
          .map((one) => [numbers(getComputedStyle(one).color).slice(0, 3), behind(one)])"""
    )
    assert len(found) > 40
    for text, back in found:
        lights = sorted(luminance(colour) for colour in (text, back))
        assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 4.5, (text, back)  # WCAG 2.1, level AA
    dark = luminance(found[0][1]) < 0.1
    assert dark is (scheme == "dark")


def luminance(colour):
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (part / 255 for part in colour)
    ]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def test_the_button_turns_light_to_dark_and_is_remembered(browser, finished):
    browser.open(finished[0].as_uri())
    colour = "return getComputedStyle(document.body).backgroundColor"
    light = browser.run(colour)
    browser.run("document.getElementById('theme').click()")
    dark = browser.run(colour)
    assert dark != light
    browser.open(finished[0].as_uri())
    assert browser.run(colour) == dark
    browser.run("document.getElementById('theme').click()")
    assert browser.run(colour) == light


def test_the_pointer_shows_the_values(browser, finished):
    path, history = finished
    browser.open(path.as_uri())
    script = """const svg = document.querySelector("svg.chart[data-name=accuracy]");
        svg.scrollIntoView();
        const box = svg.getBoundingClientRect(), at = JSON.parse(svg.dataset.curves).x;
        const x = at[0] + (arguments[0] - at[2]) / (at[3] - at[2]) * (at[1] - at[0]);
        return [box.left + x * box.width / svg.viewBox.baseVal.width, box.top + box.height / 2]"""
    for epoch in (1, 4):
        x, y = browser.run(script, epoch)
        browser.point(x + 3, y)
        tip = browser.wait(
            "const t = document.getElementById('tip'); return t.hidden ? '' : t.innerText"
        )
        assert tip.startswith(f"epoch {epoch}")
        for key, kind in (("accuracy", "training"), ("val_accuracy", "validation")):
            (said,) = re.findall(rf"{kind}\s*([\d.]+)", tip)
            assert float(said) == pytest.approx(history.history[key][epoch - 1], rel=1e-4)
    marked = browser.run("return document.querySelectorAll('.chart .hover line').length")
    assert marked == browser.run("return document.querySelectorAll('.chart').length")
    browser.point(5, 5)
    assert browser.run(f"return {TIP}.hidden")


def test_the_keyboard_shows_them_too(browser, finished):
    browser.open(finished[0].as_uri())
    browser.run("document.querySelector('svg.chart').focus()")
    for expected in ("epoch 1", "epoch 2"):
        for kind in ("rawKeyDown", "keyUp"):
            browser.tell("Input.dispatchKeyEvent", type=kind, key="ArrowRight", code="ArrowRight")
        assert browser.run(f"return {TIP}.innerText").startswith(expected)


def test_print_is_light_and_leaves_the_controls_out(browser, finished, tmp_path):
    browser.media("print", "dark")
    browser.open(finished[0].as_uri())
    assert (
        browser.run("return getComputedStyle(document.body).backgroundColor")
        == "rgb(255, 255, 255)"
    )
    assert (
        browser.run("return getComputedStyle(document.getElementById('theme')).display") == "none"
    )
    browser.pdf(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")


@pytest.fixture(params=["file", "http"])
def address_of(request, tmp_path):
    """From a path in `tmp_path` to an address: of the file, or of a server."""
    if request.param == "file":
        yield lambda path: path.as_uri()
        return

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path)
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield lambda path: f"http://127.0.0.1:{server.server_port}/{path.name}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_it_refreshes_in_place_while_training_runs(browser, tmp_path, address_of, monkeypatch):
    monkeypatch.setattr(module, "BETWEEN", -1.0)
    monkeypatch.setattr(module, "SHARE", 1e9)
    path = tmp_path / "report.html"
    done = "return document.querySelector('.tiles dd')?.innerText.startsWith('{}')"

    def look(epoch, logs):
        if epoch == 0:
            browser.open(address_of(path))
            browser.run("window.same = true; scrollTo(0, 300)")
            assert browser.run("return document.querySelector('.state').innerText") == "running"
            x, y = center(browser, "svg.chart")
            browser.point(x, y)
        browser.wait(done.format(epoch + 1))
        assert browser.run("return window.same && scrollY === 300"), "it was loaded anew"
        assert not browser.run(f"return {TIP}.hidden")
        assert browser.run("return document.title").startswith("digits: ")
        assert browser.run("return document.getElementById('age').innerText").startswith("Updated")

    train(path, LambdaCallback(on_epoch_end=look), epochs=3)
    browser.wait("return document.querySelector('.state').innerText === 'done'")
    assert browser.run("return window.same && scrollY === 300")
    assert browser.run("return document.title") == "digits: done"
    assert browser.run("return document.querySelectorAll('iframe').length") == 0


def test_a_page_of_a_killed_process_says_so(browser, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BETWEEN", -1.0)
    monkeypatch.setattr(module, "SHARE", 1e9)
    path = tmp_path / "report.html"
    kept = []
    keep = LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(path.read_text("utf-8")))
    train(path, keep, epochs=1)
    path.write_text(re.sub(r'data-updated="\d+"', 'data-updated="1700000000000"', kept[0]), "utf-8")
    browser.open(path.as_uri())
    age = browser.wait("return document.getElementById('age').innerText")
    assert re.match(r"No news for [\d.]+ h: the process may have been killed", age)
