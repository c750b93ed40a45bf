"""Finds a Python new enough for Genba; also read by old ones, so nothing modern may be used here."""

import os
import shutil
import sys

if sys.version_info < (3, 11):
    for name in ("python3.13", "python3.12", "python3.11", "python3.14"):
        newer = shutil.which(name)
        if newer:
            os.execv(newer, [newer] + sys.argv)
    sys.stderr.write("Genba needs Python 3.11 or newer, and this is " + sys.version.split()[0] + ".\n")
    sys.exit(2)
