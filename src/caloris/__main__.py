"""``python -m caloris`` is the command line."""

from caloris.cli import main

main()
