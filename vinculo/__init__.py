"""The product: its command line and its composition.

Settings, wiring, the embedded database, logging, the simulator and the demo live here. Every
other room is imported from here and none imports this one.
"""

__version__ = "0.1.0"
