#!/bin/sh
# Installs moodring on a Linux machine without Debian packages: sudo deploy/install.sh [--remove [--purge]]
# It copies what the package holds, with a program that was built before (cargo build --release), asks systemd to know it,
# and starts nothing. PREFIX (/usr) and DESTDIR (none) are taken from the environment; MOODRING_BIN names another program.
set -eu
umask 022 # units and documents are for everybody
cd "$(dirname "$0")/.."
prefix=${PREFIX:-/usr} root=${DESTDIR:-} program=${MOODRING_BIN:-target/release/moodring}
units=$root/etc/systemd/system

system() { # a command about the running system, left out while something else is being filled
  if [ -z "$root" ] && command -v "$1" >/dev/null; then "$@"; fi
}
remove() {
  system systemctl disable --now moodring.service || true
  rm -f "$root$prefix/bin/moodring" "$units/moodring.service" "$units/moodring@.service" "$root/etc/sysusers.d/moodring.conf" \
    "$root/etc/udev/rules.d/60-moodring.rules"
  rm -rf "$root$prefix/share/moodring" "$root$prefix/share/doc/moodring"
  for page in "$root$prefix"/share/man/man1/moodring.1 "$root$prefix"/share/man/man1/moodring-*.1; do rm -f "$page"; done
  rm -f "$root$prefix/share/bash-completion/completions/moodring"
  if [ "${1:-}" = --purge ]; then rm -rf "$root/etc/moodring" "$root/var/lib/moodring"; fi
  system systemctl daemon-reload || true
}
case ${1:-} in
  '') ;;
  --remove) remove "${2:-}"; echo "moodring is removed"; exit ;;
  *) sed -n '2,4s/^# //p' "$0"; exit 2 ;;
esac
[ -x "$program" ] || { echo "no $program: build it first (cargo build --release), or name one by MOODRING_BIN" >&2; exit 1; }

install -d "$root$prefix/bin" "$units" "$root/etc/sysusers.d" "$root/etc/udev/rules.d" "$root$prefix/share/moodring/systemd" \
  "$root$prefix/share/doc/moodring" "$root$prefix/share/man/man1" "$root$prefix/share/bash-completion/completions"
install -m 755 "$program" "$root$prefix/bin/moodring"
for unit in moodring.service moodring@.service; do sed "s#/usr/#$prefix/#" "deploy/systemd/$unit" >"$units/$unit"; done
install -m 644 deploy/systemd/moodring.sysusers "$root/etc/sysusers.d/moodring.conf"
install -m 644 deploy/systemd/moodring.udev "$root/etc/udev/rules.d/60-moodring.rules"
install -m 644 deploy/systemd/*.conf "$root$prefix/share/moodring/systemd/"
install -m 644 deploy/notice.html "$root$prefix/share/moodring/"
deploy/documents "$root$prefix/share/doc/moodring"
install -m 644 LICENSE-APACHE LICENSE-MIT "$root$prefix/share/doc/moodring/"
made=$(mktemp -d)
"$program" generate "$made"
install -m 644 "$made"/man/*.1 "$root$prefix/share/man/man1/"
install -m 644 "$made/completions/moodring.bash" "$root$prefix/share/bash-completion/completions/moodring"
rm -r "$made"
# Your own settings stay.
if [ ! -e "$root/etc/moodring/moodring.toml" ]; then
  install -d "$root/etc/moodring"
  sed "s#/usr/share/#$prefix/share/#" deploy/moodring.toml >"$root/etc/moodring/moodring.toml"
fi
system systemd-sysusers
[ -d "$root/var/lib/moodring" ] || system install -d -o moodring -g moodring -m 700 /var/lib/moodring
system udevadm control --reload && system udevadm trigger || true
system systemctl daemon-reload || true
echo "Installed. Settings: /etc/moodring/moodring.toml. Look: moodring doctor. Start: sudo systemctl enable --now moodring"
