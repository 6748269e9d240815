#!/usr/bin/env python3
"""deploy/packages.sh with stand-ins for apt-get and systemctl: what it installs starts nothing and stays switched off.

tests/run calls it. A real installation takes a fresh machine; the stand-in does what Debian's packages do: it puts a unit's file down,
switches the unit on, and starts it unless the machine's policy forbids that.
"""
import os
import pathlib
import subprocess
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent

APT_GET = """#!/bin/sh
[ "$1" = install ] || exit 0
policy="$PACKAGES_ROOT/usr/sbin/policy-rc.d"
for package; do
  case $package in
    broken) exit 100 ;;
    mosquitto)
      touch "$PACKAGES_ROOT/usr/lib/systemd/system/mosquitto.service" "$PACKAGES_ROOT/enabled-mosquitto.service"
      { [ -x "$policy" ] && ! "$policy" mosquitto start; } || touch "$PACKAGES_ROOT/started" ;;
  esac
done
"""
SYSTEMCTL = """#!/bin/sh
[ "$1" = disable ] || exit 1
for unit; do rm -f "$PACKAGES_ROOT/enabled-$unit"; done
"""
COMMANDS = {"apt-get": APT_GET, "systemctl": SYSTEMCTL, "id": "#!/bin/sh\necho 0\n"}


class Packages(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for part in ("bin", "usr/sbin", "usr/lib/systemd/system"):
            (self.root / part).mkdir(parents=True)
        for name, text in COMMANDS.items():
            self.write(f"bin/{name}", text)
        self.policy = self.root / "usr/sbin/policy-rc.d"

    def write(self, name, text):
        (self.root / name).write_text(text)
        (self.root / name).chmod(0o755)

    def run_script(self, line):
        env = {"PATH": f"{self.root}/bin:{os.environ['PATH']}", "PACKAGES_ROOT": str(self.root)}
        return subprocess.run(["bash", "-euc", f". deploy/packages.sh; {line}"], cwd=REPOSITORY, env=env, capture_output=True, text=True)

    def has(self, name):
        return (self.root / name).exists()

    def test_a_new_service_neither_starts_nor_stays_switched_on(self):
        result = self.run_script("install_missing no-such-command mosquitto")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(self.has("usr/lib/systemd/system/mosquitto.service"), "it was to be installed")
        self.assertFalse(self.has("started"), "the broker was started")
        self.assertFalse(self.has("enabled-mosquitto.service"), "the broker would start with the machine")
        self.assertFalse(self.policy.exists(), "the policy was to last for the installation only")

    def test_a_service_that_was_there_stays_as_it_is(self):
        for name in ("usr/lib/systemd/system/mosquitto.service", "enabled-mosquitto.service"):
            (self.root / name).touch()
        self.run_script("install_packages curl")
        self.assertTrue(self.has("enabled-mosquitto.service"))

    def test_a_policy_of_the_machine_stays(self):
        self.write("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 104\n")
        self.run_script("install_packages mosquitto")
        self.assertIn("exit 104", self.policy.read_text())

    def test_a_failed_installation_is_an_error_and_leaves_no_policy(self):
        self.assertNotEqual(self.run_script("install_packages broken").returncode, 0)
        self.assertFalse(self.policy.exists())

    def test_what_is_there_is_not_installed(self):
        self.assertEqual(self.run_script("install_missing sh mosquitto").stderr, "")
        self.assertFalse(self.has("usr/lib/systemd/system/mosquitto.service"))


if __name__ == "__main__":
    unittest.main()
