#!/usr/bin/env bash
# Puts Debian's riscv64 kernel, its modules for virtio devices and a static busybox into .cache/linux: what the machine boots in
# tests. They come from Debian's unstable archive by an apt of its own; any user can run it. Versions and hashes are pinned; a
# kernel that has left the archive is replaced by the newest, with a note.
#
#   scripts/fetch-linux.sh [FOLDER]
#
# FAULTLINE_LINUX_VERSION is asked for in place of the pinned version: with one that never was, the script does what it will do
# when the pinned one has gone. FAULTLINE_LINUX_SOURCE is a line of sources.list that takes the place of the archive's.
set -euo pipefail
cd "$(dirname "$0")/.."

version=7.2.13+deb14
kernel_hash=de8e75884c95b246b4bf72b9dc1c004c535f786da8743006bd341e058e948e99
modules_hash=1fb9b12f856a9d92d14702dd6e3332b28967eec4b1b899b76008a4babd7bc27f
busybox_hash=f71edd27e341ff80b297f3a60d718e1a69c33f2266a51381ac2a48e9b7ee1a30
modules=(drivers/virtio/virtio_mmio.ko.xz drivers/block/virtio_blk.ko.xz drivers/char/hw_random/virtio-rng.ko.xz)
prefix=${1:-.cache/linux}
version=${FAULTLINE_LINUX_VERSION:-$version}

complete=true
for file in Image busybox "${modules[@]##*/}"; do
  [ -e "$prefix/$file" ] || complete=false
done
if $complete; then
  echo "$prefix is there"
  exit
fi

fail() { # message
  echo "fetch-linux: $1" >&2
  exit 1
}

for tool in apt-get apt-cache dpkg-deb tar sha256sum; do
  command -v "$tool" >/dev/null || fail "needs $tool, which is not installed"
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch"/{lists/partial,archives/partial,debs,root}
touch "$scratch/status"
archive="deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian sid main"
source=${FAULTLINE_LINUX_SOURCE:-$archive}
echo "$source" >"$scratch/sources.list"
options=(
  -qq
  -o APT::Architecture=riscv64
  -o APT::Architectures=riscv64
  -o Acquire::Retries=3
  -o Acquire::Languages=none
  -o Dir::State="$scratch"
  -o Dir::State::status="$scratch/status"
  -o Dir::Cache="$scratch"
  -o Dir::Etc::sourcelist="$scratch/sources.list"
  -o Dir::Etc::sourceparts=/dev/null
  -o Dir::Etc::preferencesparts=/dev/null
  -o APT::Sandbox::User=
  -o APT::Update::Error-Mode=any
)
apt-get "${options[@]}" update || fail "the archive does not answer: $source"

pinned=true
# Fetches a package and unpacks what tar's patterns name. One of the pinned version has the pinned hash; of another, this is said.
fetch() { # package, hash, patterns
  local package=$1 hash=$2 file
  shift 2
  (cd "$scratch/debs" && apt-get "${options[@]}" download "$package") || fail "$package cannot be fetched: $source"
  file=$(echo "$scratch/debs/${package}"_*.deb)
  if ! echo "$hash  $file" | sha256sum --quiet --check - >/dev/null 2>&1; then
    case $package in
      linux-*) ! $pinned || fail "the checksum of $(basename "$file") is not the pinned one: $source" ;;
    esac
    echo "note: $(basename "$file") is not the version that was pinned"
  fi
  dpkg-deb --fsys-tarfile "$file" | tar -x -C "$scratch/root" --wildcards "$@"
}

if ! apt-cache "${options[@]}" show "linux-binary-$version-riscv64" >/dev/null 2>&1; then
  newest=$(apt-cache "${options[@]}" pkgnames linux-binary- |
    sed -nE 's/^linux-binary-([0-9.]+\+deb[0-9]+)-riscv64$/\1/p' | sort -V | tail -n 1)
  [ -n "$newest" ] || fail "the archive has no kernel for riscv64: $source"
  echo "note: Linux $version has left the archive; $newest takes its place"
  version=$newest
  pinned=false
fi
fetch "linux-binary-$version-riscv64" "$kernel_hash" '*/vmlinuz'
fetch "linux-modules-$version-riscv64" "$modules_hash" "${modules[@]/#/*/}"
fetch busybox-static "$busybox_hash" '*/busybox'
mkdir -p "$prefix"
cp "$scratch"/root/usr/lib/modules/*/vmlinuz "$prefix/Image"
for module in "${modules[@]}"; do
  cp "$scratch"/root/usr/lib/modules/*/kernel/"$module" "$prefix/"
done
cp "$scratch"/root/usr/bin/busybox "$prefix/busybox"
echo "$version" >"$prefix/version"
