#!/usr/bin/env bash
# Install the Debian packages that the tests behind the markers slurm and postgres start servers from.
# Starts no service. Does nothing where it cannot: those tests then skip and say what is missing.
set -euo pipefail

if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
    echo "not root on Debian: the servers' packages are not installed"
    exit 0
fi

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy" # packages must not start what they install
    chmod +x "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
apt="apt-get -qq -o DPkg::Lock::Timeout=240"
$apt update
$apt install --yes --no-install-recommends \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
    slurmctld slurmd slurmdbd slurm-client munge mariadb-server postgresql </dev/null
