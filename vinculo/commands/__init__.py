"""The commands, one module each, named by ``vinculo.cli.COMMANDS``."""
