#!/usr/bin/env bash
# Puts the QEMU that the machine is compared with into .cache/qemu: version 10 or newer, from Debian's backports, beside
# whatever QEMU is installed. For Debian 12; needs apt and the libraries of its own qemu-system-misc. Any user can run it.
#
#   scripts/install-qemu.sh [FOLDER]
#
# FAULTLINE_QEMU_SOURCE is a line of sources.list that takes the place of the backports of the machine's own mirror.
set -euo pipefail
cd "$(dirname "$0")/.."

suite=bookworm-backports
prefix=${1:-.cache/qemu}
program=$prefix/usr/bin/qemu-system-riscv64
if [ -x "$program" ]; then
  echo "$program is there"
  exit
fi

fail() { # message
  echo "install-qemu: $1" >&2
  exit 1
}

for tool in apt-get dpkg-deb; do
  command -v "$tool" >/dev/null || fail "needs $tool, which is not installed"
done

source=${FAULTLINE_QEMU_SOURCE:-}
if [ -z "$source" ]; then
  # From where the machine has its other packages.
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | sort -u | head -n 1) || true
  [ -n "$mirror" ] || fail "apt knows no mirror; run apt-get update first"
  source="deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch"/{lists/partial,archives/partial,debs}
echo "$source" >"$scratch/sources.list"
# An apt of its own, so that the machine's lists and packages stay as they are.
options=(
  -qq
  -o Acquire::Retries=3
  -o Dir::State="$scratch"
  -o Dir::Cache="$scratch"
  -o Dir::Etc::sourcelist="$scratch/sources.list"
  -o Dir::Etc::sourceparts=/dev/null
  -o Dir::Etc::preferencesparts=/dev/null
  -o APT::Sandbox::User=
  -o APT::Update::Error-Mode=any
)
apt-get "${options[@]}" update || fail "the mirror does not answer: $source"
(cd "$scratch/debs" && apt-get "${options[@]}" download qemu-system-riscv) ||
  fail "qemu-system-riscv cannot be fetched: $source"
rm -rf "$prefix"
mkdir -p "$prefix"
dpkg-deb -x "$scratch"/debs/qemu-system-riscv_*.deb "$prefix"
"$program" --version | head -n 1 || fail "$program does not start; apt-get install qemu-system-misc has its libraries"
