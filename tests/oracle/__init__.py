"""The independent recomputation that the product is held against.

Nothing here imports the product: standard library only, straight from the CSV files, naive on
purpose. Where a figure of the engine differs from a figure of this package, one of them is wrong.
"""
