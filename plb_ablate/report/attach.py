"""Upload of the report to MLflow: one run of the experiment, whose artifacts are the tables, figures and pages."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from plb_ablate.tracking.mlflow_reader import experiment_id
from plb_ablate.tracking.store import store_errors

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["attach"]

NOTE = "The latest report of `make report`: open `index.html` under *Artifacts*, or read `<dataset>.md`."


def attach(client: "MlflowClient", experiment: str, out: Path, datasets: Sequence[str]) -> str:
    """Store the reports of datasets, and the page of all, as artifacts of the run with the tag ``level=report``.

    An experiment has one such run; its files of the same names are replaced.

    Parameters
    ----------
    client : MlflowClient
        From `plb_ablate.tracking.store.open_store`.
    experiment : str
        Name of the MLflow experiment.
    out : Path
        Folder of the reports.
    datasets : sequence of str

    Returns
    -------
    str
        Id of the run.

    Raises
    ------
    StoreError
        If the store or its artifacts cannot be written.
    """
    number = experiment_id(client, experiment, writing=True)
    with store_errors(client.tracking_uri):
        existing = client.search_runs([number], "tags.level = 'report'", max_results=1)
        tags = {"level": "report", "mlflow.note.content": NOTE}
        run = existing[0] if existing else client.create_run(number, tags=tags, run_name="report")
        run_id = str(run.info.run_id)
        for dataset in datasets:
            client.log_artifact(run_id, str(out / f"{dataset}.md"))
            client.log_artifacts(run_id, str(out / dataset), dataset)
        client.log_artifact(run_id, str(out / "index.html"))
        client.set_terminated(run_id)
    return run_id
