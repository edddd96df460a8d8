"""``python -m mtlbench``."""

from __future__ import annotations

import sys

from mtlbench.cli import main

if __name__ == "__main__":
    sys.exit(main())
