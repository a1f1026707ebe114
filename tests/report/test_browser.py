"""Pages in a browser: they draw, filter, sort and print, fetch nothing, and shut nobody out."""

import contextlib
import importlib
import re
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


@contextlib.contextmanager
def started(profile, **preferences):
    selenium = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    options = selenium.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", preferences)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = selenium.ChromeService(shutil.which("chromedriver"))
    driver = selenium.Chrome(options=options, service=service)
    driver.set_script_timeout(120)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with started(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture(scope="module")
def unscripted(tmp_path_factory):
    """Start a browser that runs no page's scripts; what it shows is all that can be asked of it."""
    off = {"profile.managed_default_content_settings.javascript": 2}
    with started(tmp_path_factory.mktemp("unscripted"), **off) as driver:
        yield driver


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
    assert page.find_element("css selector", ".count").text == "2 of 132 shown"
    platform = page.find_element("css selector", "select[data-column='2']")
    platform.send_keys("fake:period=8")
    assert column(page, "platform") == ["fake:period=8"]


def test_it_filters_and_sorts_by_keyboard_alone(page):
    keys = importlib.import_module("selenium.webdriver.common.keys").Keys
    reached = tabbed(page, keys.TAB, "input.search")
    reached.send_keys("cout=17,")
    assert len(rows(page)) == 2
    tabbed(page, keys.TAB, "select").send_keys("fake:p")
    assert column(page, "platform") == ["fake:period=8"]
    press(page, keys.HOME)
    assert len(rows(page)) == 2
    while (button := tabbed(page, keys.TAB, "th button")).text != "latency":
        assert button.text != "trust"
    press(page, keys.ENTER)
    assert sorts(page) == {"latency": "ascending"}
    assert column(page, "platform") == ["fake", "fake:period=8"]
    press(page, keys.ENTER)
    assert sorts(page) == {"latency": "descending"}
    assert column(page, "platform") == ["fake:period=8", "fake"]


def test_it_sorts_by_the_figures_and_turns_pages(page):
    shown = page.execute_script("return JSON.parse(document.getElementById('rows').textContent)")
    (latency,) = [item for item in shown["columns"] if item["title"] == "latency"]
    texts, values = latency["texts"], latency["values"]
    rising = [texts[row] for row in sorted(range(len(values)), key=values.__getitem__)]
    button = page.find_elements("css selector", "#listing th button")[latency["number"]]
    button.send_keys("\n")
    assert column(page, "latency")[0] == rising[0]
    button.send_keys("\n")
    assert column(page, "latency")[0] == rising[-1]
    page.find_element("css selector", ".next").send_keys("\n")
    assert len(rows(page)) == 32


def press(page, key):
    page.switch_to.active_element.send_keys(key)


def tabbed(page, key, wanted):
    """Return the next element that the Tab key reaches and the selector names."""
    for _ in range(60):
        press(page, key)
        if page.execute_script("return document.activeElement.matches(arguments[0])", wanted):
            return page.switch_to.active_element
    raise AssertionError(f"the Tab key does not reach {wanted}")


def sorts(page):
    """Return which heads say that their column is sorted, and how."""
    return page.execute_script(
        """return Object.fromEntries([...document.querySelectorAll('#listing th[aria-sort]')].map(
             head => [head.textContent, head.getAttribute('aria-sort')]))"""
    )


@pytest.mark.parametrize(
    ("section", "what"), [("sweeps", "conv:h=6,cin=3,cout="), ("bars", "block:mobilenet_v1,h=7")]
)
def test_hover_says_configuration_interval_and_samples(page, section, what):
    said = page.execute_async_script(
        """const [section, what, done] = arguments;
        const box = document.querySelector(`#${section} ~ .card .chart`);
        box.scrollIntoView();
        const wait = setInterval(() => {
          if (!box.querySelector('.trace')) return;
          Plotly.Fx.hover(box, [{ curveNumber: 0, pointNumber: 0 }]);
          const lines = [...box.querySelectorAll('.hoverlayer tspan')].map(
            line => line.textContent);
          if (!lines[0]?.startsWith(what)) return;  // the pointer may lie on another
          clearInterval(wait);
          done(lines);
        }, 100);""",
        section,
        what,
    )
    configuration, figure, interval, samples, trust = said
    assert configuration.startswith(what)
    assert figure.endswith("s")
    assert re.fullmatch(r"95 %: \S+ [mµ]s – \S+ [mµ]s", interval)
    assert re.fullmatch(r"[1-9]\d* samples", samples)
    assert trust == "trusted"


@every_kind
def test_charts_follow_the_readers_colours(chromium, pages, tmp_path, kind):
    look(chromium)
    page = opened(chromium, pages[kind][0], tmp_path)
    all_drawn(page)
    colour = "getComputedStyle(document.querySelector('.chart .ytick text')).fill"
    light = page.execute_script(f"return {colour}")
    look(page, scheme="dark")
    dark = page.execute_async_script(
        f"""const [light, done] = arguments;
        const wait = setInterval(() => {{
          if ({colour} === light) return;
          clearInterval(wait);
          done({colour});
        }}, 20);""",
        light,
    )
    assert dark != light
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
        "Rows 1–100 of 132."
    )


@every_kind
def test_what_is_printed_fits_a_page_and_has_no_controls(chromium, pages, tmp_path, kind):
    look(chromium, width=680, media="print")
    page = opened(chromium, pages[kind][0], tmp_path)
    page.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    all_drawn(page)
    heights = page.execute_script(
        "return [...document.querySelectorAll('.chart')].map(box => box.offsetHeight)"
    )
    assert 0 < max(heights) <= 950
    shown = page.execute_script(
        """return [...document.querySelectorAll('nav, input, select, button, summary')].filter(
             control => control.getClientRects().length).map(control => control.outerHTML)"""
    )
    assert shown == []
    upright = """document.querySelector('.wide').hidden = true;  // it is printed on its side
        return document.documentElement.scrollWidth"""
    assert page.execute_script(upright) <= 680


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (
            "report",
            ["Latency of conv:h=6,cin=3,k=3 against cout: The cost rises in", "mobilenet_v1"],
        ),
        ("comparison", ["Most, ", "B is slower by"]),
    ],
)
def test_without_scripts_words_stand_for_charts_and_tables_stay(
    unscripted, pages, tmp_path, kind, said
):
    path = tmp_path / "page.html"
    path.write_text(pages[kind][0], encoding="utf-8")
    unscripted.get(path.as_uri())
    shown = unscripted.find_element("css selector", "main").text
    assert [words for words in said if words not in shown] == []
    assert shown.count("The chart itself needs JavaScript") == pages[kind][0].count('class="chart"')
    assert "Without JavaScript: the first" in shown
    assert len(unscripted.find_elements("css selector", "#listing tbody tr")) > 60
    charts = unscripted.find_elements("css selector", ".chart, .filters, .pages")
    assert not any(part.is_displayed() for part in charts)


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
