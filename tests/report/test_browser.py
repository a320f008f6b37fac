"""What a reader sees: the report and the MLflow UI in a real browser.

With PLB_ABLATE_PICTURES set, the pictures of the docs are taken anew; PLB_ABLATE_STUDY names the folder of the study
that they show.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plb_ablate import ui
from plb_ablate.config.designs import model_lattice, planned_variants
from plb_ablate.models.plb.family import PLB
from plb_ablate.report.__main__ import main
from plb_ablate.report.figures.comparison import FIGURES
from plb_ablate.report.read_runs import read_studies
from plb_ablate.tracking.mlflow_reader import experiment_id
from plb_ablate.tracking.store import open_store
from tests.report.bulk import fill
from tests.report.store import sqlite_uri
from tests.tracking.servers import free_port

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # selenium leaves its log of the driver to the collector
]

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WINDOW = (1400, 1000)
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
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--window-size={},{}".format(*WINDOW),
    ):
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
    assert main(["--tracking-uri", sqlite_uri(study_folder / "mlflow.db"), "--out", str(out), "--attach"]) == 0
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


def test_effects_and_interactions_of_a_design_are_drawn_and_its_tables_sort(
    browser: "Chrome", empty_store: Path, tmp_path: Path
) -> None:
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    fill(tmp_path / "mlflow.db", 1, ("ravdess",), planned_variants("factorial", model_lattice(PLB)))
    assert main(["--tracking-uri", sqlite_uri(tmp_path / "mlflow.db"), "--out", str(tmp_path / "r")]) == 0
    browser.get((tmp_path / "r" / "index.html").as_uri())
    assert browser.get_log("browser") == []
    for name in ("effects", "interactions", "variants"):
        image = browser.find_element("css selector", f"img[alt='{FIGURES[name][0]}']")
        assert browser.execute_script("return arguments[0].naturalWidth", image) > 300
        browser.execute_script("arguments[0].closest('figure').scrollIntoView()", image)
        picture(browser, name)
    for name, rows in (("module_effects", 5), ("interactions", 10), ("shapley", 6)):
        table = browser.find_element("css selector", f"table[id$='-{name}']")
        assert len(table.find_elements("css selector", "tbody tr")) == rows
        head = table.find_elements("css selector", "th")[1]
        head.find_element("tag name", "button").click()
        assert head.get_attribute("aria-sort") == "ascending"


@pytest.fixture(scope="module")
def front(study_folder: Path, report: Path) -> Iterator[str]:
    """The page that `make ui` opens on a study whose report is stored with it."""
    command = [sys.executable, "-m", "plb_ablate.ui", "--tracking-uri", sqlite_uri(study_folder / "mlflow.db")]
    with subprocess.Popen(
        [*command, "--port", str(free_port())], cwd=study_folder, stdout=subprocess.PIPE, text=True
    ) as started:
        assert started.stdout is not None
        page = started.stdout.readline().strip()
        try:
            assert page, "the MLflow UI did not start"
            yield page
        finally:
            started.terminate()


@pytest.fixture(scope="module")
def server(front: str) -> str:
    """Address of the MLflow server."""
    return front.partition("/#")[0]


def text(browser: "Chrome") -> str:
    return str(browser.execute_script("return document.body.innerText"))


def test_mlflow_opens_on_the_variants_and_compares_two(
    browser: "Chrome", front: str, server: str, study_folder: Path
) -> None:
    client = open_store(sqlite_uri(study_folder / "mlflow.db"))
    number = experiment_id(client, "plb_ablate")
    (study, *_) = read_studies(client, "plb_ablate")
    parents = list(client.search_runs([number], "tags.level = 'config'"))
    browser.get(front)

    def shown(words: str) -> Callable[[], bool]:
        return lambda: words in text(browser)

    for run in parents:
        until(shown(str(run.info.run_name)), f"{run.info.run_name} in the list of runs")
    browser.set_window_size(3000, 1000)  # a column is drawn only while it is in sight
    for words in ("best_test/wa/mean", "folds_done", "params/total", "ablation", "report", "Ablation study."):
        until(shown(words), words)
    assert "fold 0" not in text(browser)
    assert "Source" not in text(browser)
    browser.set_window_size(*WINDOW)
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


def test_mlflow_shows_the_report(browser: "Chrome", server: str, study_folder: Path) -> None:
    client = open_store(sqlite_uri(study_folder / "mlflow.db"))
    number = experiment_id(client, "plb_ablate")
    (run,) = client.search_runs([number], "tags.level = 'report'")
    browser.get(f"{server}/#/experiments/{number}/runs/{run.info.run_id}/artifacts/index.html")

    def drawn() -> bool:
        browser.switch_to.default_content()
        browser.switch_to.frame(browser.find_element("css selector", "iframe"))
        return "Verdict" in text(browser)

    until(drawn, "the page of the report among the artifacts")
    browser.switch_to.default_content()


def test_the_page_of_a_server_that_runs_is_named(
    front: str, server: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.replace("//", "//reader:secret@"))
    assert ui.main(["--no-browser"]) == 0
    assert capsys.readouterr().out.strip() == front


def test_the_report_of_a_server_leads_to_its_runs(browser: "Chrome", server: str, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By

    assert main(["--tracking-uri", server, "--out", str(tmp_path)]) == 0
    browser.get((tmp_path / "index.html").as_uri())
    link = browser.find_element(By.CSS_SELECTOR, "table[id$='-runs'] td a")
    run_id = link.text
    browser.get(str(link.get_attribute("href")))
    until(lambda: run_id in browser.execute_script("return document.body.innerText"), "the page of the run")
