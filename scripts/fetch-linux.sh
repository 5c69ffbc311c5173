#!/usr/bin/env bash
# Puts Debian's riscv64 kernel and a static busybox into .cache/linux: what the machine boots in tests. They come from
# Debian's unstable archive by an apt of its own; any user can run it. Versions and hashes are pinned; a kernel that has
# left the archive is replaced by the newest, with a note.
set -euo pipefail
cd "$(dirname "$0")/.."

kernel=linux-binary-7.2.13+deb14-riscv64
kernel_hash=de8e75884c95b246b4bf72b9dc1c004c535f786da8743006bd341e058e948e99
busybox_hash=f71edd27e341ff80b297f3a60d718e1a69c33f2266a51381ac2a48e9b7ee1a30
prefix=.cache/linux
if [ -e "$prefix/Image" ] && [ -e "$prefix/busybox" ]; then
  echo "$prefix is there"
  exit
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch"/{lists/partial,archives/partial,debs}
touch "$scratch/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian sid main" \
  >"$scratch/sources.list"
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
)
apt-get "${options[@]}" update

# Fetches a package; says so when it is not the one that is known.
fetch() { # package, hash
  (cd "$scratch/debs" && apt-get "${options[@]}" download "$1")
  local file
  file=$(echo "$scratch/debs/${1}"_*.deb)
  if ! echo "$2  $file" | sha256sum --quiet --check - 2>/dev/null; then
    echo "note: $(basename "$file") is not the version that was pinned"
  fi
  dpkg-deb -x "$file" "$scratch/root"
}

if ! apt-cache "${options[@]}" show "$kernel" >/dev/null 2>&1; then
  newest=$(apt-cache "${options[@]}" pkgnames linux-binary- | grep -E '^linux-binary-[0-9.]+\+deb[0-9]+-riscv64$' | sort -V | tail -n 1)
  echo "note: $kernel has left the archive; $newest takes its place"
  kernel=$newest
fi
fetch "$kernel" "$kernel_hash"
fetch busybox-static "$busybox_hash"
mkdir -p "$prefix"
cp "$scratch"/root/usr/lib/modules/*/vmlinuz "$prefix/Image"
cp "$scratch"/root/usr/bin/busybox "$prefix/busybox"
echo "$kernel" >"$prefix/version"
