# Installs Debian's packages for scripts that need some. To be sourced: . deploy/packages.sh
# No service of what is installed is started or stays switched on: a broker of Debian's on port 1883 would change how this machine
# behaves afterwards. A service that was there before stays as it is.
# shellcheck shell=bash

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else echo "this needs root, and there is no sudo here: $*" >&2; return 1
  fi
}

service_files() {
  find "${PACKAGES_ROOT:-}"/{usr/,}lib/systemd/system "${PACKAGES_ROOT:-}/etc/init.d" -maxdepth 1 -type f \
    \( -path '*/init.d/*' -o -name '*.service' -o -name '*.socket' -o -name '*.timer' \) \
    ! -name '*@.*' ! -name 'systemd-*' ! -name '*.dpkg-*' -printf '%f\n' 2>/dev/null | sort -u
}

switch_off() { # a service that was just installed, by the name of its unit or of its script in init.d
  if command -v systemctl >/dev/null; then
    as_root systemctl disable --quiet "$1" 2>/dev/null || true
  elif [ -e "${PACKAGES_ROOT:-}/etc/init.d/$1" ]; then
    as_root update-rc.d "$1" disable >/dev/null
  else # systemd may come to this machine later, and would find the unit switched on
    as_root deb-systemd-helper disable "$1" >/dev/null 2>&1 || true
  fi
}

install_packages() { # names of packages; one script at a time, for several may run side by side
  (
    flock 9
    install_packages_alone "$@"
  ) 9>"${TMPDIR:-/tmp}/moodring-packages-$(id -u).lock"
}

install_packages_alone() {
  command -v apt-get >/dev/null || { echo "no apt-get here: install $* by hand, then run this again" >&2; return 1; }
  echo "installing $*" >&2
  local before unit
  before=$(service_files)
  as_root apt-get update -qq
  # The policy asks invoke-rc.d and deb-systemd-invoke to start nothing. One that is there already is somebody's: it stays.
  as_root env DEBIAN_FRONTEND=noninteractive sh -c '
    policy=$1; shift
    if [ ! -e "$policy" ]; then
      trap "rm -f \"$policy\"" EXIT
      trap "exit 1" HUP INT TERM
      printf "#!/bin/sh\nexit 101\n" >"$policy"
      chmod 755 "$policy"
    fi
    apt-get install -o DPkg::Lock::Timeout=300 -y -qq --no-install-recommends "$@" >/dev/null
  ' sh "${PACKAGES_ROOT:-}/usr/sbin/policy-rc.d" "$@"
  for unit in $(comm -13 <(echo "$before") <(service_files)); do switch_off "$unit"; done
}

install_missing() { # a command and the package that has it, in pairs
  local missing=()
  while [ $# -gt 0 ]; do
    PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null || missing+=("$2")
    shift 2
  done
  [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
}

install_libclang() { # what bindgen loads, and its compiler's headers: seconds and 100 MB less than libclang-dev
  compgen -G '/usr/lib/*/libclang-[0-9]*.so*' >/dev/null && return
  local version
  version=$(apt-cache depends libclang-dev 2>/dev/null | sed -n 's/.*Depends: libclang-\([0-9.]*\)-dev$/\1/p' | head -n 1)
  [ -n "$version" ] || { as_root apt-get update -qq; version=$(apt-cache depends libclang-dev | sed -n 's/.*Depends: libclang-\([0-9.]*\)-dev$/\1/p' | head -n 1); }
  install_packages "libclang1-$version" "libclang-common-$version-dev"
}
