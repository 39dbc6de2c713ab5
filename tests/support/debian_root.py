# SPDX-License-Identifier: Apache-2.0
"""A private root that dpkg really installs into, with a database of packages of its own. The maintainer's scripts run;
this machine's packages are not touched.
"""

import os
import subprocess


class DebianRoot:
    """Below `folder`. `said` is what dpkg and the scripts said last."""

    def __init__(self, folder):
        self.folder = folder
        self.said = ""
        for name in ("info", "updates", "triggers"):
            (folder / "var" / "lib" / "dpkg" / name).mkdir(parents=True)
        (folder / "var" / "lib" / "dpkg" / "status").touch()

    def dpkg(self, *words):
        """Whoever is not root is root of a user namespace. Dependencies are those of this machine."""
        alone = [] if os.geteuid() == 0 else ["unshare", "--map-root-user"]
        done = subprocess.run(
            [
                *alone, "dpkg", f"--root={self.folder}", f"--log={os.devnull}", "--force-depends",
                "--force-script-chrootless", *map(str, words),
            ],
            capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
        )  # fmt: skip
        self.said = done.stdout + done.stderr
        return done.returncode

    def path(self, name):
        """Where a file of the package lies."""
        return self.folder / name.lstrip("/")

    def state(self):
        """What dpkg says of the package, such as `install ok installed`; empty when it knows none."""
        done = subprocess.run(
            ["dpkg-query", f"--admindir={self.folder}/var/lib/dpkg", "-W", "-f=${Status}", "certwright-agent"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.stdout
