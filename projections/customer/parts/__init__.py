"""The parts of the customer 360, one module each."""
