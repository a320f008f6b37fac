"""``python -m plb_ablate.ui``: open the MLflow UI on the variants of a study."""

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from rich.console import Console

from plb_ablate.core.command_line import make_parser
from plb_ablate.core.credentials import without_credentials
from plb_ablate.core.errors import ConfigError, StoreError, exit_codes
from plb_ablate.core.signals import Interrupted, interrupts_raised
from plb_ablate.tracking.mlflow_reader import experiment_id
from plb_ablate.tracking.store import check_place, open_store, store_errors
from plb_ablate.tracking.store_options import add_store_options, chosen_store
from plb_ablate.tracking.ui_view import EXPERIMENT_TAGS, view_url

__all__ = ["main"]

EXAMPLES = """
examples:
  python -m plb_ablate.ui                                       ./mlflow.db, on http://127.0.0.1:5000
  python -m plb_ablate.ui --port 5001                           if port 5000 is in use
  python -m plb_ablate.ui --tracking-uri http://server:5000     open the page of a running server
"""

HOST = "127.0.0.1"
START_TIMEOUT = 90.0
"""Seconds to wait for the first answer of the server."""


@exit_codes
def main(argv: Sequence[str] | None = None) -> int:
    """Start the UI and open it; Ctrl-C ends it.

    Returns
    -------
    int
        0, or the exit code of an error, whose message is printed on standard error.
    """
    options = _parser().parse_args(argv)
    uri = str(chosen_store(options).uri)
    client = open_store(uri)
    experiment = experiment_id(client, options.experiment)
    with store_errors(uri):
        for name, value in EXPERIMENT_TAGS.items() - client.get_experiment(experiment).tags.items():
            client.set_experiment_tag(experiment, name, value)
    if uri.startswith(("http://", "https://")):
        _open(view_url(without_credentials(uri), experiment), options.browser)
        return 0
    try:
        check_place(client, client.get_experiment(experiment))
    except StoreError as moved:
        print(f"warning: the UI cannot show artifacts. {moved}", file=sys.stderr)
    try:
        with interrupts_raised(), _server(client.tracking_uri, options.port) as (server, address):
            _open(view_url(address, experiment), options.browser)
            print("Press Ctrl-C to stop the server.", flush=True)
            server.wait()
    except Interrupted as interrupt:
        return 0 if interrupt.name == "SIGINT" else interrupt.exit_code
    raise StoreError("The MLflow server has ended unexpectedly. Start it again; `mlflow ui` shows its messages.")


@contextmanager
def _server(uri: str, port: int) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """Run an MLflow server until the block ends; yields its process and address as soon as it answers."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ConfigError(
                f"port {port} cannot be used ({error.strerror}). Choose another, for example --port 5001."
            ) from error
    command = [sys.executable, "-m", "mlflow", "ui", "--host", HOST, "--port", str(port)]
    store = {"MLFLOW_BACKEND_STORE_URI": uri}  # not as an argument, which every user of the machine could see
    light = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(
            [*command, "--workers", "1"], env=os.environ | store | light, stdout=log, stderr=log, start_new_session=True
        )
        try:
            address = f"http://{HOST}:{port}"
            with Console(stderr=True).status("starting the MLflow UI"):
                end = time.monotonic() + START_TIMEOUT
                while not _answers(address):
                    if server.poll() is not None or time.monotonic() > end:
                        log.seek(0)
                        messages = log.read().decode(errors="replace").strip()[-1500:]
                        raise StoreError(f"The MLflow server did not start:\n{messages}")
                    time.sleep(0.2)
            yield server, address
        finally:
            _end(server)


def _answers(address: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"{address}/health", timeout=5) as answer:
        return bool(answer.status == 200)
    return False


def _end(server: "subprocess.Popen[bytes]") -> None:
    """Stop the server and the processes that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(server.pid, number)
        with suppress(subprocess.TimeoutExpired):
            server.wait(10)


def _open(address: str, wanted: bool) -> None:
    """Print the address, and open it in a browser if there is a screen."""
    print(address, flush=True)
    screen = sys.platform in ("darwin", "win32") or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    if wanted and screen and sys.stdout.isatty():
        webbrowser.open(address)


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "ui", "Open the MLflow UI on the variants of a study, with the columns that compare them.", EXAMPLES
    )
    add_store_options(parser)
    parser.add_argument("--port", type=int, default=5000, help="port on this machine (default: %(default)s)")
    parser.add_argument("--no-browser", dest="browser", action="store_false", help="only print the address")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
