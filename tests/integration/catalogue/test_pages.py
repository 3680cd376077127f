"""The catalogue in a real browser: by keyboard, on a phone, in the dark, and as an accessibility checker sees it."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys

from builder.catalogue.pages import pages
from tests.support.image_infos import CELLS, INFOS
from tests.support.polling import until

AXE = Path(sys.executable).parents[1] / "axe/node_modules/axe-core/axe.min.js"
IMAGE = "images/pytorch-1.6.0-gpu-debian12.html"
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
)
SHOWN = "return [...document.querySelectorAll('tr.image')].filter(row => row.checkVisibility()).length"
AUDIT = """
const done = arguments[arguments.length - 1];
axe.run({preload: false}).then(found => done(found.violations.map(one => [one.id, one.nodes.map(node => node.html).slice(0, 3)])));
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = tmp_path_factory.mktemp("catalogue")
    for name, text in pages(INFOS).items():
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text(text, "utf-8")
    return directory.as_uri()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = Options()
    options.binary_location = shutil.which("chromium") or "chromium, which .ci/install-browser installs"
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver") or "chromedriver"))
    yield found
    found.quit()


def opened(browser: webdriver.Chrome, address: str, width: int, scheme: str = "light") -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(address)


def typed(browser: webdriver.Chrome, *keys: str) -> None:
    for key in keys:
        browser.switch_to.active_element.send_keys(key)


def count(browser: webdriver.Chrome) -> Any:
    return browser.execute_script("return document.getElementById('count').textContent")


def test_the_filter_works_by_keyboard(site: str, browser: webdriver.Chrome) -> None:
    opened(browser, f"{site}/index.html", 1200)
    assert browser.execute_script(SHOWN) == len(CELLS)
    typed(browser, Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to the content"
    typed(browser, Keys.TAB)
    assert browser.switch_to.active_element.get_attribute("id") == "words"
    typed(browser, "1.6 horovod")
    assert count(browser) == f"4 of {len(CELLS)} images"
    assert browser.execute_script(SHOWN) == 4
    typed(browser, Keys.TAB, "G")
    assert browser.execute_script("return document.getElementById('device').value") == "gpu"
    assert browser.execute_script(SHOWN) == 2
    typed(browser, Keys.TAB, Keys.TAB, Keys.TAB, Keys.ENTER)
    until(lambda: browser.execute_script(SHOWN) == len(CELLS), 5, "every image is shown")
    live = "const one = document.getElementById('count'); return [one.role, one.ariaLive]"
    assert browser.execute_script(live) == ["status", "polite"]


def test_nothing_found_says_so_and_leads_back(site: str, browser: webdriver.Chrome) -> None:
    opened(browser, f"{site}/index.html", 1200)
    browser.execute_script("document.getElementById('words').focus()")
    typed(browser, "no such image")
    assert count(browser) == f"0 of {len(CELLS)} images"
    browser.find_element("id", "again").send_keys(Keys.ENTER)
    until(lambda: browser.execute_script(SHOWN) == len(CELLS), 5, "every image is shown")
    assert browser.switch_to.active_element.get_attribute("id") == "words"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("page", ["index.html", IMAGE])
def test_it_fits_says_no_error_and_passes_the_audit(
    site: str, browser: webdriver.Chrome, page: str, width: int, scheme: str
) -> None:
    opened(browser, f"{site}/{page}", width, scheme)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    said = browser.get_log("browser")  # type: ignore[no-untyped-call]
    assert [entry for entry in said if entry["level"] in ("SEVERE", "WARNING")] == []
    browser.execute_script(AXE.read_text("utf-8"))
    assert browser.execute_async_script(AUDIT) == []


def test_a_row_leads_to_its_page_and_back(site: str, browser: webdriver.Chrome) -> None:
    opened(browser, f"{site}/index.html", 360)
    browser.find_element("css selector", f"a[href='{IMAGE}']").send_keys(Keys.ENTER)
    assert browser.title.startswith("PyTorch 1.6.0 GPU on debian12")
    browser.find_element("link text", "All images").click()
    assert browser.title == "Framework images"
