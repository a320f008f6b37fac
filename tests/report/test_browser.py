"""What a reader sees: the report and the MLflow UI in a real browser.

With PLB_ABLATE_PICTURES set, the pictures of the docs are taken anew; PLB_ABLATE_STUDY names the folder of the study
that they show.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plb_ablate.report.__main__ import main
from plb_ablate.report.runs import read_studies
from plb_ablate.report.store import experiment_id, open_store

from .store import sqlite_uri

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # selenium leaves its log of the driver to the collector
]

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PATIENCE = 60
"""Seconds to wait for a page to show something."""


@pytest.fixture(scope="module")
def browser() -> Iterator["Chrome"]:
    """A headless Chromium, as Debian packages it."""
    pytest.importorskip("selenium", reason="selenium is not installed")
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip("Chromium is not installed (Debian: chromium chromium-driver)")
    options = ChromeOptions()
    options.binary_location = program
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1400,1000"):
        options.add_argument(argument)
    with Chrome(options, ChromeService(driver)) as running:
        yield running


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a page to come to something; elements may vanish while it is drawn."""
    from selenium.common.exceptions import WebDriverException

    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if condition():
                return
        except WebDriverException:
            pass
        time.sleep(0.2)
    pytest.fail(f"not within {PATIENCE} s: {what}")


def picture(browser: "Chrome", name: str) -> None:
    """Take a picture for the docs, where they are asked for."""
    if os.environ.get("PLB_ABLATE_PICTURES"):
        IMAGES.mkdir(exist_ok=True)
        for button in browser.find_elements("css selector", "button[aria-label*='lose']"):  # MLflow's side panel
            browser.execute_script("arguments[0].click()", button)
        time.sleep(1)
        browser.save_screenshot(str(IMAGES / f"{name}.png"))


@pytest.fixture(scope="module")
def report(study_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("reports")
    assert main(["--tracking-uri", sqlite_uri(study_folder / "mlflow.db"), "--out", str(out)]) == 0
    return out / "index.html"


def test_the_report_opens_and_its_tables_sort(browser: "Chrome", report: Path) -> None:
    from selenium.webdriver.common.by import By

    browser.get(report.as_uri())
    picture(browser, "report")
    assert browser.get_log("browser") == []
    table = browser.find_element(By.CSS_SELECTOR, "table[id$='-wa']")
    head = table.find_elements(By.CSS_SELECTOR, "th")[4]

    def column() -> list[str]:
        return [
            row.find_elements(By.TAG_NAME, "td")[4].text for row in table.find_elements(By.CSS_SELECTOR, "tbody tr")
        ]

    before = column()
    head.find_element(By.TAG_NAME, "button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert column() == [*sorted(before[:-1], key=float), before[-1]]
    head.find_element(By.TAG_NAME, "button").send_keys("\n")
    assert head.get_attribute("aria-sort") == "descending"
    assert column() == [*sorted(before[:-1], key=float, reverse=True), before[-1]]
    assert browser.find_element(By.ID, "said").get_attribute("textContent") == "Sorted by avg_WA(%), descending."
    names = table.find_elements(By.CSS_SELECTOR, "th button")[0]
    names.click()
    assert [th.get_attribute("aria-sort") for th in table.find_elements(By.TAG_NAME, "th")][4] is None


def test_every_picture_of_the_report_is_drawn(browser: "Chrome", report: Path) -> None:
    browser.get(report.as_uri())
    widths = browser.execute_script("return [...document.images].map(image => image.naturalWidth)")
    assert len(widths) == 6
    assert all(width > 300 for width in widths)
    browser.execute_script("document.querySelector('img[alt^=\"Δ\"]').closest('figure').scrollIntoView()")
    picture(browser, "forest")


@pytest.fixture(scope="module")
def server(study_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The MLflow UI on a study, as `make ui` starts it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", sqlite_uri(study_folder / "mlflow.db")]
    log = tmp_path_factory.mktemp("server") / "log"
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with log.open("w") as output:
        started = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"],
            cwd=study_folder,
            env=os.environ | quiet,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: started.poll() is not None or is_up(address), f"the server\n{log.read_text()}")
        assert started.poll() is None, log.read_text()
        yield address
    finally:
        os.killpg(started.pid, 15)
        started.wait(30)


def is_up(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_mlflow_lists_the_runs_and_compares_two_variants(browser: "Chrome", server: str, study_folder: Path) -> None:
    client = open_store(sqlite_uri(study_folder / "mlflow.db"))
    number = experiment_id(client, "plb_ablate")
    (study, *_) = read_studies(client, "plb_ablate")
    parents = list(client.search_runs([number], "tags.level = 'config'"))
    browser.get(f"{server}/#/experiments/{number}/runs?searchFilter=tags.level%20%3D%20%27config%27")

    def shown(words: str) -> Callable[[], bool]:
        return lambda: words in browser.execute_script("return document.body.innerText")

    for run in parents:
        until(shown(str(run.info.run_name)), f"{run.info.run_name} in the list of runs")
    assert "fold 0" not in browser.execute_script("return document.body.innerText")
    picture(browser, "mlflow-runs")
    chosen = [run.info.run_id for run in parents if run.data.tags["ablation"] in ("none", study.ablations[1])][:2]
    runs = ",".join(f'"{run_id}"' for run_id in chosen)
    browser.get(f'{server}/#/compare-runs?runs=[{runs}]&experiments=["{number}"]')
    until(shown("Comparing 2 Runs"), "the comparison")
    until(shown("best_test/wa/mean"), "the mean accuracy of both variants")
    for run in parents:
        if run.info.run_id in chosen:
            until(shown(str(run.info.run_name)), f"{run.info.run_name} among the compared")
    picture(browser, "mlflow-compare")


def test_the_report_of_a_server_leads_to_its_runs(browser: "Chrome", server: str, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By

    assert main(["--tracking-uri", server, "--out", str(tmp_path)]) == 0
    browser.get((tmp_path / "index.html").as_uri())
    link = browser.find_element(By.CSS_SELECTOR, "table[id$='-runs'] td a")
    run_id = link.text
    browser.get(str(link.get_attribute("href")))
    until(lambda: run_id in browser.execute_script("return document.body.innerText"), "the page of the run")
