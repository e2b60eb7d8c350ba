"""``python -m caloris.cli``."""

from caloris.cli import main

main()
