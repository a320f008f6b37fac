"""A real SLURM cluster of one node, with accounting, from Debian's programs in a folder of its own, on loopback."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.tracking.servers import SBIN, free_port, server, until

__all__ = ["PROGRAMS", "cluster"]

PROGRAMS = ("munged", "mariadbd", "mariadb-install-db", "slurmdbd", "slurmctld", "slurmd", "sbatch", "sacctmgr")
"""What must be installed; tests/orchestration/slurm/install.sh does it."""

DATABASE_DAEMON = """
DbdHost=localhost
DbdPort={dbd}
CommunicationParameters=NoInAddrAny
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={mysql}
StorageUser=root
StorageLoc=slurm_acct
"""

CONTROLLER = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ctld}
SlurmdPort={node}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MpiDefault=none
KillWait=5
NodeName=localhost NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=8000
PartitionName=all Nodes=localhost Default=YES MaxTime=INFINITE State=UP
"""

ACCOUNTING = """
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort={dbd}
AccountingStoragePass={folder}/munge.socket
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=5
"""


@contextmanager
def cluster(folder: Path, *, accounting: bool = True) -> Iterator[dict[str, str]]:
    """Start a cluster below `folder`, give the environment that its clients need, and stop it again."""
    ports = {name: free_port() for name in ("mysql", "dbd", "ctld", "node")}
    facts = {"folder": folder, "host": socket.gethostname().split(".")[0], "cpus": os.cpu_count()} | ports
    environment = os.environ | {"SLURM_CONF": str(folder / "slurm.conf"), "PATH": SBIN}
    _write(folder / "slurmdbd.conf", DATABASE_DAEMON.format(**facts))
    _write(folder / "slurm.conf", (CONTROLLER + (ACCOUNTING if accounting else "")).format(**facts))
    for name in ("state", "spool"):
        (folder / name).mkdir()

    def answers(*command: str) -> Callable[[], bool]:
        return lambda: subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0

    with ExitStack() as servers:

        def start(*command: str, ready: Callable[[], bool]) -> None:
            servers.enter_context(server(command, folder, environment, ready))

        _start_munge(folder, start)
        if accounting:
            _start_database(folder, ports["mysql"], start, environment)
            start("slurmdbd", "-D", ready=answers("sacctmgr", "--immediate", "show", "cluster"))
            assert answers("sacctmgr", "--immediate", "add", "cluster", "test")()
        start("slurmctld", "-D", ready=answers("scontrol", "ping"))
        start("slurmd", "-D", "-N", "localhost", ready=answers("srun", "--immediate=5", "true"))
        try:
            yield environment
        finally:
            subprocess.run(["scancel", "--user=root"], env=environment, check=False)
            until(lambda: not subprocess.check_output(["squeue", "--noheader"], env=environment), 30)


def _start_munge(folder: Path, start: Callable[..., None]) -> None:
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    files = {"socket": "munge.socket", "pid-file": "munge.pid", "seed-file": "munge.seed", "log-file": "munge.log"}
    options = [f"--{name}={folder / file}" for name, file in files.items()]
    start(
        "munged",
        "--foreground",
        "--force",
        f"--key-file={key}",
        *options,
        ready=(folder / "munge.socket").exists,
    )


def _start_database(folder: Path, port: int, start: Callable[..., None], environment: Mapping[str, str]) -> None:
    data = folder / "mysql"
    install = shutil.which("mariadb-install-db", path=SBIN)
    assert install
    options = [f"--datadir={data}", "--user=root", "--innodb-log-file-size=8M"]
    subprocess.run([install, *options, "--skip-test-db"], env=environment, check=True, capture_output=True, timeout=120)
    start(
        "mariadbd",
        "--no-defaults",
        *options,
        "--skip-grant-tables",
        "--bind-address=127.0.0.1",
        f"--port={port}",
        f"--socket={folder / 'mysql.socket'}",
        f"--pid-file={folder / 'mysql.pid'}",
        ready=(folder / "mysql.socket").exists,
    )


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)
