"""Pages in a browser: they draw, filter, sort and print, fetch nothing, and shut nobody out."""

import shutil
from pathlib import Path

import pytest

from opscope.report.page import report_page
from tests.report.pages import (
    HOSTILE,
    comparison_of,
    comparison_text,
    hostile,
    hostile_comparison,
    overview_of,
)

AXE = Path(__file__).parents[2] / ".axe/node_modules/axe-core/axe.min.js"
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.skipif(
        not (shutil.which("chromium") and shutil.which("chromedriver")),
        reason="chromium or its chromedriver is not installed",
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("browser")


@pytest.fixture(scope="module")
def overview(folder):
    return overview_of(folder, stop=64)


@pytest.fixture(scope="module")
def pages(overview, folder):
    """Return every kind of page, plain and with names that mean harm."""
    compared = comparison_of(folder)
    return {
        "report": (report_page(overview), report_page(hostile(overview))),
        "comparison": (comparison_text(compared), comparison_text(hostile_comparison(compared))),
    }


every_kind = pytest.mark.parametrize("kind", ["report", "comparison"])


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    selenium = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    options = selenium.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (*_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = selenium.ChromeService(shutil.which("chromedriver"))
    driver = selenium.Chrome(options=options, service=service)
    yield driver
    driver.quit()


@pytest.fixture
def page(chromium, pages, tmp_path):
    look(chromium)
    return opened(chromium, pages["report"][0], tmp_path)


def opened(chromium, text, folder):
    path = folder / "page.html"
    path.write_text(text, encoding="utf-8")
    chromium.get_log("browser")
    chromium.get_log("performance")
    chromium.get(path.as_uri())
    return chromium


def look(chromium, *, width=1200, scheme="light", media=""):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})


def all_drawn(page):
    page.execute_async_script(
        """const done = arguments[0], boxes = [...document.querySelectorAll('.chart')];
        (async () => {
          for (const box of boxes) {
            box.scrollIntoView();
            while (!box.querySelector('.trace')) await new Promise(r => setTimeout(r, 20));
          }
          done();
        })();"""
    )


def rows(page):
    return page.execute_script(
        """return [...document.querySelectorAll('#listing tbody tr')].map(
             row => [...row.cells].map(cell => cell.textContent))"""
    )


def column(page, title):
    heads = page.execute_script(
        "return [...document.querySelectorAll('#listing th')].map(head => head.textContent)"
    )
    return [row[heads.index(title)] for row in rows(page)]


@every_kind
def test_it_draws_without_a_complaint_or_a_request(chromium, pages, tmp_path, kind):
    look(chromium)
    page = opened(chromium, pages[kind][0], tmp_path)
    all_drawn(page)
    assert page.execute_script("return document.querySelectorAll('.chart .trace').length") > 1
    assert page.get_log("browser") == []
    asked = [entry["message"] for entry in page.get_log("performance")]
    asked = [message for message in asked if '"Network.requestWillBeSent"' in message]
    fetched = [message for message in asked if '"url":"data:' not in message]
    assert len(fetched) == 1  # the page itself


def test_charts_are_drawn_when_they_are_about_to_be_seen(page):
    boxes, drawn = page.execute_script(
        """return [document.querySelectorAll('.chart').length,
                   document.querySelectorAll('.chart[data-drawn]').length]"""
    )
    assert drawn < boxes


def test_it_filters(page):
    assert len(rows(page)) == 100
    page.find_element("css selector", ".search").send_keys("cout=17,")
    assert len(rows(page)) == 2
    assert page.find_element("css selector", ".count").text == "2 of 128 shown"
    platform = page.find_element("css selector", "select[data-column='2']")
    platform.send_keys("fake:period=8")
    assert column(page, "platform") == ["fake:period=8"]


def test_it_sorts_by_key_and_turns_pages(page):
    button = page.find_elements("css selector", "#listing th button")[6]
    button.send_keys("\n")
    head = page.find_elements("css selector", "#listing th")[6]
    assert head.get_attribute("aria-sort") == "ascending"
    shown = page.execute_script("return JSON.parse(document.getElementById('rows').textContent)")
    texts, values = shown["columns"][6]["texts"], shown["columns"][6]["values"]
    rising = [texts[row] for row in sorted(range(len(values)), key=values.__getitem__)]
    assert column(page, "latency_s")[0] == rising[0]
    button.send_keys("\n")
    assert head.get_attribute("aria-sort") == "descending"
    assert column(page, "latency_s")[0] == rising[-1]
    page.find_element("css selector", ".next").send_keys("\n")
    assert len(rows(page)) == 28


def test_hover_says_what_a_point_is(page):
    said = page.execute_async_script(
        """const done = arguments[0];
        const box = document.querySelectorAll('.chart')[1];
        box.scrollIntoView();
        const wait = setInterval(() => {
          if (!box.querySelector('.main-svg')) return;
          clearInterval(wait);
          Plotly.Fx.hover(box, [{ curveNumber: 0, pointNumber: 3 }]);
          setTimeout(() => done(box.querySelector('.hoverlayer').textContent), 300);
        }, 20);"""
    )
    assert "conv:h=6,cin=3" in said
    assert "trusted" in said


@every_kind
def test_charts_follow_the_readers_colours(chromium, pages, tmp_path, kind):
    look(chromium)
    page = opened(chromium, pages[kind][0], tmp_path)
    all_drawn(page)
    ask = "return getComputedStyle(document.querySelector('.chart .ytick text')).fill"
    light = page.execute_script(ask)
    look(page, scheme="dark")
    page.execute_async_script("setTimeout(arguments[0], 500)")
    assert page.execute_script(ask) != light
    assert page.execute_script("return getComputedStyle(document.body).backgroundColor") == (
        "rgb(20, 24, 28)"
    )


@every_kind
def test_it_fits_a_phone(chromium, pages, tmp_path, kind):
    look(chromium, width=360)
    page = opened(chromium, pages[kind][0], tmp_path)
    all_drawn(page)
    assert page.execute_script("return document.documentElement.scrollWidth") <= 360


def test_every_chart_is_printed(page):
    printed = page.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    assert len(printed["data"]) > 10_000
    assert page.execute_script(
        "return [...document.querySelectorAll('.chart')].every(box => box.dataset.drawn)"
    )
    assert page.execute_script("return document.querySelector('.printed').textContent") == (
        "Printed: rows 1–100 of 128, of 128 in all."
    )


@every_kind
def test_names_that_mean_harm_stay_text(chromium, pages, tmp_path, kind):
    look(chromium, width=360)
    page = opened(chromium, pages[kind][1], tmp_path)
    all_drawn(page)
    assert page.get_log("browser") == []
    said = page.execute_script("return document.querySelector('header').textContent")
    assert said.count(HOSTILE) >= 2
    assert page.execute_script("return document.documentElement.scrollWidth") <= 360
    own = page.execute_script("return document.querySelectorAll('script:not([type])').length")
    assert own == 3


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not there; .ci/run fetches it by npm")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
@every_kind
def test_axe_finds_nothing_serious(chromium, pages, tmp_path, kind, width, scheme):
    look(chromium, width=width, scheme=scheme)
    page = opened(chromium, pages[kind][0], tmp_path)
    all_drawn(page)
    page.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
    found = page.execute_async_script("axe.run().then(arguments[0])")
    bad = [
        (item["id"], item["nodes"][0]["html"][:200])
        for item in found["violations"]
        if item["impact"] in {"serious", "critical"}
    ]
    assert bad == []
    assert len(found["passes"]) > 10
