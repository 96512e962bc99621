"""Repositories: one table each, over interchangeable stores; see docs/repositories.md.

`repository` is the interface; `memory`, `sql`, `rest` and `mapped` are the stores; `blocking` serves synchronous code.
"""
