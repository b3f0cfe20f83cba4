"""``python -m vinculo`` is ``vinculo``."""

from vinculo.cli import main

if __name__ == "__main__":
    main()
