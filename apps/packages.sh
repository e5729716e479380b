#!/usr/bin/env bash
# Installs what a build and its tests need on Debian 12; does nothing when all of it is there.
set -euo pipefail

packages=(
    # build
    cmake ninja-build g++ pkg-config ccache python3
    # libraries
    libpoco-dev libspdlog-dev libfmt-dev libboost-dev libboost-filesystem-dev libboost-system-dev
    libsqlite3-dev libxxhash-dev liblz4-dev libzstd-dev libisal-dev libyaml-cpp-dev libssl-dev
    # tests
    clang dpkg-dev file libsqlitecpp-dev lintian man-db libgtest-dev libbenchmark-dev sqlite3 python3-pip openssl curl ceph-mon ceph-osd radosgw ceph-common faketime
    apache2-bin nginx-light libnginx-mod-http-dav-ext
)

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [[ $status == installed ]] || missing+=("$package")
done
if [[ ${#missing[@]} -eq 0 ]]; then
    exit 0
fi

as_root=()
if [[ $EUID -ne 0 ]]; then
    if ! command -v sudo >/dev/null; then
        echo "These packages are missing, and neither are you root nor is there sudo. Install them and try again:" >&2
        echo "  apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi

# Nothing that comes with these packages may start by itself on this machine; the tests start what they need.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
fi

echo "installing: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
