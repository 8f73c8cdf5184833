"""`python -m archiver`, and the console script `muniment`."""

import sys

from archiver import memory
from archiver.cli import main as command_line


def main() -> None:
    """Run the command line and exit with its code."""
    memory.steady()
    try:
        sys.exit(command_line.main(importing=memory.lasting))
    finally:
        memory.leave()


if __name__ == "__main__":  # worker processes import this module under another name
    main()
