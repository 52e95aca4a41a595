# shellcheck shell=bash
# What the commands in this folder have in common; sourced, not run. Callers have set -euo pipefail.

say() { printf '%s\n' "$*"; }
complain() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() {
    complain "$*"
    exit 1
}

# Runs a command as root: directly, or with sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# install_packages WHY PACKAGE…: installs Debian packages and says so. Recommended packages stay away, and with them
# whatever would start a daemon.
install_packages() {
    local why=$1
    shift
    command -v apt-get >/dev/null || die "$why, and there is no apt-get to install it with (Debian's name: $*)"
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
        die "$why; as root: apt-get install $*"
    fi
    say "installing $* with apt-get ($why)"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "$@" >/dev/null
}

# What building takes: Swift 6.2, which Debian does not package, and the headers of libpcap, which it does.
need_toolchain() {
    command -v swift >/dev/null ||
        die "there is no swift in PATH; Volley takes Swift 6.2 or later (https://www.swift.org/install/linux)"
    local version
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
    case $version in
    '') die "swift --version says nothing of a version" ;;
    [0-5].* | 6.[01]) die "this is Swift $version; Volley takes 6.2 or later (https://www.swift.org/install/linux)" ;;
    esac
    local directory
    for directory in /usr/include /usr/local/include; do
        if [ -e "$directory/pcap/pcap.h" ]; then return; fi
    done
    install_packages "libpcap's headers are missing" libpcap-dev
}

# Gets the packages Package.swift names, unless they are there.
need_dependencies() {
    local log
    log=$(mktemp)
    if ! swift package resolve >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        rm -f "$log"
        die "the Swift packages this one depends on could not be fetched: that takes a connection, once"
    fi
    rm -f "$log"
}
