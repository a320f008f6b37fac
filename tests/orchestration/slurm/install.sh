#!/usr/bin/env bash
# Install the Debian packages that the tests behind the markers slurm, postgres and browser start programs from.
# Starts no service. Where it can do nothing it says so; those tests then skip and name what is missing.
set -euo pipefail
PATH="$PATH:/usr/sbin:/sbin"

have() {
    local program
    for program in sbatch slurmctld slurmd slurmdbd munged mariadbd chromium chromedriver; do
        command -v "$program" >/dev/null || return 1
    done
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

if have; then
    exit 0
fi
if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
    echo "not root on Debian: the packages of the servers are not installed"
    exit 0
fi

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy" # packages must not start what they install
    chmod +x "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
apt-get -qq update || echo "no fresh package lists: the old ones are used"
apt-get -qq -o DPkg::Lock::Timeout=240 install --yes --no-install-recommends \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
    slurmctld slurmd slurmdbd slurm-client munge mariadb-server postgresql chromium chromium-driver </dev/null >/dev/null
