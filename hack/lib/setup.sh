# shellcheck shell=bash disable=SC2034 # the scripts that source this file use the tables
# The set-up that every script in hack/ does first: Debian packages, Node.js and npm under .runtime, npm packages, build. It is a
# shell script because it must run before Node.js is installed. Each step leaves a stamp, the hash of its inputs, and is skipped
# while its inputs have this hash; so a second run takes a few milliseconds.
# Source this file; do not run it. It sets NODE and changes to the root of the checkout.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
ROOT=$PWD
RUNTIME=$ROOT/.runtime

say() { [ -n "${QUIET:-}" ] || printf '%s\n' "$*"; }
# The message says what is wrong, and what to do.
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

need_root() {
  [ "$(id -u)" = 0 ] || die "needs root, for network namespaces, Docker engines and netfilter rules. Run: sudo $0 $*"
  [ "$(uname -s)" = Linux ] || die "needs Linux: nodes are Linux network namespaces"
}

# help_wanted ARGUMENTS: succeeds if an argument is --help or -h. Help installs nothing. The program that lists the options needs
# Node.js; before hack/up has fetched Node.js, help shows only the comment at the head of the script.
help_wanted() {
  case " $* " in *' --help '* | *' -h '*) ;; *) return 1 ;; esac
  local arch=x64
  case "$(uname -m)" in aarch64 | arm64) arch=arm64 ;; esac
  NODE=$RUNTIME/node_modules/node-linux-$arch/bin/node
  if [ ! -x "$NODE" ] || [ ! -d node_modules/ts-node ] || [ ! -f dist/dev.js ]; then
    sed -n '2,/^[^#]/s/^# //p' "$0"
    printf '\nusage: hack/%s [options]\n\nThe options are shown here after hack/up has fetched Node.js.\n' "$(basename "$0")"
    exit 0
  fi
  export PATH="$ROOT/node_modules/.bin:${NODE%/*}:$PATH"
}

# stamp_is FILE HASH: succeeds if FILE, the stamp of a step, holds HASH: the step ran with the same inputs.
stamp_is() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }
hash_of() { cat "$@" | sha256sum | cut -c1-32; }

# Only one script at a time sets up a checkout. A second script waits, and then finds every step done.
setup_lock() {
  mkdir -p "$RUNTIME" 2>/dev/null || true
  if [ ! -w "$RUNTIME" ]; then
    die "cannot write to $RUNTIME, which belongs to another user. Run as that user, or: sudo chown -R $(id -un) '$ROOT'"
  fi
  exec 9>"$RUNTIME/setup.lock"
  if ! flock -n 9; then
    say "another script is setting up this checkout; waiting for it"
    flock 9
  fi
}
setup_unlock() { exec 9>&-; }

# Package tables, "program:package" on each line: the package is installed if the program is missing. A program may be a file's path.
packages_up='dockerd:docker.io
iptables-restore:iptables
nft:nftables
conntrack:conntrack
ip:iproute2
nsenter:util-linux
kubectl:kubernetes-client'
packages_etcd='etcd:etcd-server'
packages_bench='dnsperf:dnsperf
wrk:wrk
unbound:unbound
nginx:nginx-light'
packages_test='shellcheck:shellcheck
ruby:ruby
debootstrap:debootstrap
ssh-keygen:openssh-client
chromium:chromium
/usr/share/fonts/truetype/wqy/wqy-microhei.ttc:fonts-wqy-microhei'
packages_vagrant='vagrant:vagrant
/usr/share/vagrant-plugins/plugins.d/vagrant-libvirt.json:vagrant-libvirt
libvirtd:libvirt-daemon-system
virsh:libvirt-clients
qemu-system-x86_64:qemu-system-x86
dnsmasq:dnsmasq-base
ssh:openssh-client
rsync:rsync'

# install_packages TABLE: prints the packages that are missing, then installs them.
install_packages() {
  local program package wanted=()
  while IFS=: read -r program package; do
    command -v "$program" >/dev/null 2>&1 || [ -x "/usr/sbin/$program" ] || [ -x "/sbin/$program" ] || [ -f "$program" ] || wanted+=("$package")
  done <<<"$1"
  [ ${#wanted[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || die "these packages are missing, and only root can install them: ${wanted[*]}"
  command -v apt-get >/dev/null 2>&1 ||
    die "these packages are missing and there is no apt-get to install them: ${wanted[*]}. Install them, then run $0 again."
  say "Installing with apt-get: ${wanted[*]}"
  apt_run apt-get -q update
  local there=()
  for package in "${wanted[@]}"; do
    if apt-cache show "$package" >/dev/null 2>&1; then
      there+=("$package")
    elif [ "$package" = kubernetes-client ]; then
      say "This distribution has no kubernetes-client: install kubectl from https://kubernetes.io/docs/tasks/tools/ to use the cluster by hand."
    elif [ "$package" = chromium ]; then
      say "This distribution has no package chromium: the test of the console in a browser is skipped."
    else
      die "this distribution has no package $package; on Ubuntu enable the universe component, then run $0 again"
    fi
  done
  [ ${#there[@]} -gt 0 ] || return 0
  install_without_services "${there[@]}"
}

# Installs packages without starting their services: Docker, etcd, a web server or a DNS server would take ports and write rules on the
# host. Debian asks /usr/sbin/policy-rc.d before it starts a service. If the host already has this file, the host's file decides.
install_without_services() {
  local policy=/usr/sbin/policy-rc.d ours=
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    ours=1
  fi
  local status=0
  DEBIAN_FRONTEND=noninteractive apt_run apt-get -q -y --no-install-recommends -o Dpkg::Use-Pty=0 install "$@" || status=$?
  [ -z "$ours" ] || rm -f "$policy"
  if [ $status = 0 ] && [ -d /run/systemd/system ]; then
    local unit
    for unit in etcd.service docker.service docker.socket containerd.service nginx.service unbound.service libvirtd.service libvirtd.socket; do
      case " $* " in
        *" ${unit%%.*}"*) systemctl disable --quiet "$unit" 2>/dev/null || true ;;
      esac
    done
  fi
  [ $status = 0 ] || die "apt-get could not install: $* (its messages are in $RUNTIME/apt.log)"
}

# Runs a command with its output in a log file; shows the end of the log if the command fails.
apt_run() {
  mkdir -p "$RUNTIME"
  if ! "$@" >>"$RUNTIME/apt.log" 2>&1 </dev/null; then
    tail -n 15 "$RUNTIME/apt.log" >&2
    return 1
  fi
}

# unpack_package PACKAGE FILE: unpacks the package under .runtime/debs/PACKAGE without installing it, for packages that would install
# a service or conflict with another package. FILE is a file of the package: if it exists, the package is unpacked already.
unpack_package() {
  local package=$1 dir=$RUNTIME/debs/$1
  [ -e "$dir/$2" ] && return 0
  command -v apt-get >/dev/null 2>&1 || die "needs apt-get to fetch the package $package"
  say "Fetching the package $package into $dir (without installing it)"
  rm -rf "$dir" "$dir.tmp"
  mkdir -p "$dir.tmp"
  if ! apt_run sh -c "cd '$dir.tmp' && apt-get -q download '$package'"; then
    apt_run apt-get -q update
    apt_run sh -c "cd '$dir.tmp' && apt-get -q download '$package'" || die "the package $package could not be fetched"
  fi
  dpkg-deb -x "$dir.tmp"/*.deb "$dir.tmp"
  rm -f "$dir.tmp"/*.deb
  [ -e "$dir.tmp/$2" ] || die "the package $package has no file $2"
  mv "$dir.tmp" "$dir"
}

# Fetches Node.js 26 and npm 11 from the npm registry, with the Node.js and npm of the host, of any version.
setup_node() {
  local arch
  case "$(uname -m)" in
    x86_64) arch=x64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) die "needs an x86_64 or aarch64 machine, this one is $(uname -m)" ;;
  esac
  NODE=$RUNTIME/node_modules/node-linux-$arch/bin/node
  NPM=$RUNTIME/node_modules/npm/bin/npm-cli.js
  local hash
  hash=$(hash_of hack/runtime/package.json hack/runtime/package-lock.json)
  if ! stamp_is "$RUNTIME/node_modules/.k8ts-stamp" "$hash" || [ ! -x "$NODE" ]; then
    command -v npm >/dev/null 2>&1 || install_packages $'node:nodejs\nnpm:npm'
    say "Fetching Node.js and npm from the npm registry into .runtime"
    cp hack/runtime/package.json hack/runtime/package-lock.json hack/runtime/.npmrc "$RUNTIME/"
    if ! (cd "$RUNTIME" && npm ci --ignore-scripts --no-audit --no-fund) >"$RUNTIME/npm.log" 2>&1 </dev/null; then
      npm_cause
      die "npm could not fetch Node.js 26; is the npm registry reachable?"
    fi
    # Node.js needs libatomic, which small systems lack.
    "$NODE" --version >/dev/null 2>&1 || install_packages 'libatomic.so.1:libatomic1'
    "$NODE" --version >/dev/null || die "the fetched Node.js does not run on this machine: $NODE"
    printf '%s\n' "$hash" >"$RUNTIME/node_modules/.k8ts-stamp"
  fi
  export PATH="$ROOT/node_modules/.bin:${NODE%/*}:$PATH"
}

# The first lines of npm's errors name the cause; the many lines after them explain how to use npm.
npm_cause() { grep -E '^npm (error|ERR!)' "$RUNTIME/npm.log" | head -n 12 >&2 || head -n 12 "$RUNTIME/npm.log" >&2; }

setup_packages() {
  local hash
  hash=$(hash_of package.json package-lock.json .npmrc hack/runtime/package-lock.json)
  stamp_is node_modules/.k8ts-stamp "$hash" && return 0
  # npm ci empties node_modules first. If node_modules is a link, it would empty the folder of another checkout.
  [ ! -L node_modules ] || return 0
  say "Installing the npm packages of package-lock.json"
  if ! "$NODE" "$NPM" ci --ignore-scripts --no-audit --no-fund >"$RUNTIME/npm.log" 2>&1 </dev/null; then
    npm_cause
    die "npm ci failed; its messages are in $RUNTIME/npm.log"
  fi
  printf '%s\n' "$hash" >node_modules/.k8ts-stamp
}

# tap must be built once, because .taprc selects other plugins than its defaults.
setup_tap() {
  local hash
  hash=$(hash_of .taprc package-lock.json)
  stamp_is .tap/.k8ts-stamp "$hash" && return 0
  say "Preparing the test runner"
  if ! node_modules/.bin/tap build >"$RUNTIME/tap.log" 2>&1 </dev/null; then
    tail -n 15 "$RUNTIME/tap.log" >&2
    die "tap build failed; its messages are in $RUNTIME/tap.log"
  fi
  printf '%s\n' "$hash" >.tap/.k8ts-stamp
}

setup_build() {
  local hash
  hash=$( (
    find agents controlplane dataplane hack -name '*.ts' ! -name '*.test.ts' -printf '%p %s %T@\n' | LC_ALL=C sort
    find controlplane/console/web ! -name '*.ts' -type f -printf '%p %s %T@\n' | LC_ALL=C sort
    cat package.json package-lock.json
  ) | sha256sum | cut -c1-32)
  [ -f dist/k8ts.js ] && stamp_is dist/.k8ts-stamp "$hash" && return 0
  say "Building dist/k8ts.js"
  rm -f dist/.k8ts-stamp
  "$NODE" -r ts-node/register hack/build.ts >"$RUNTIME/build.log" 2>&1 </dev/null || {
    cat "$RUNTIME/build.log" >&2
    die "the build failed"
  }
  printf '%s\n' "$hash" >dist/.k8ts-stamp
}

# Fetches docker-registry without installing it, unless the host has it.
setup_registry() {
  if command -v docker-registry >/dev/null 2>&1; then
    return 0
  fi
  unpack_package docker-registry usr/bin/docker-registry
  export PATH="$PATH:$RUNTIME/debs/docker-registry/usr/bin"
}

# etcd_wanted ARGUMENTS: succeeds if the options of hack/up ask for a new cluster with etcd. Others do not get the package.
etcd_wanted() {
  case " $* " in
    *' --store etcd '* | *' --store=etcd '* | *' --control-planes 3 '* | *' --control-planes=3 '*) return 0 ;;
  esac
  return 1
}

# Everything a cluster needs.
setup_cluster() {
  export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
  setup_lock
  install_packages "$packages_up"
  setup_node
  setup_packages
  setup_registry
  setup_build
  setup_unlock
}

# What tests without root need: Node.js, npm packages and the test runner.
setup_unit() {
  setup_lock
  setup_node
  setup_packages
  setup_tap
  setup_unlock
}

# What all stages of hack/test except vagrant need.
setup_tests() {
  setup_cluster
  setup_lock
  install_packages "$packages_test"
  install_packages "$packages_etcd"
  setup_tap
  unpack_package kubernetes-client usr/bin/kubectl
  # The test image consists of this busybox, so it does not depend on the busybox of the host.
  unpack_package busybox-static bin/busybox
  setup_unlock
}

# What hack/test vagrant needs in addition: Vagrant, libvirt and QEMU, the box, and the package for the machines.
setup_vagrant() {
  [ "$(uname -m)" = x86_64 ] || die "the stage vagrant builds its own box, which works only on x86-64"
  setup_lock
  install_packages "$packages_vagrant"
  setup_unlock
  hack/vm/box >/dev/null
  hack/package >/dev/null
}

# For status, logs and down: hack/up has already installed what they need.
setup_existing() {
  export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
  [ -f dist/dev.js ] || die "nothing has been built in this checkout; run hack/up first"
  setup_node
}
