"""The published contract, generated from the types: schemas, samples, AsyncAPI, OpenAPI.

What is generated is committed in the folder ``schemas/`` and checked. A released file never
changes: ``released.json`` keeps its SHA-256, and whoever needs another meaning raises the version.
"""
