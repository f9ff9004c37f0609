"""``python -m kerasish``: see `kerasish.cli`."""

import sys

from kerasish.cli import main

if __name__ == "__main__":
    sys.exit(main())
