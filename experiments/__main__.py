"""``python -m rankloom.experiments`` is the ``rankloom`` command."""

import sys

from rankloom.experiments.cli import main

if __name__ == "__main__":
    sys.exit(main())
