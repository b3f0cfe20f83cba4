"""Benchmark ``rebuild``, see :mod:`benchmarks.rebuilding`.

Worker processes import the module that was started, so this one imports nothing until it runs: as
the product's own command does.
"""

if __name__ == "__main__":
    from benchmarks.rebuilding import main

    main()
