"""The application's data layer: one interface to the old and the new database. An island: it imports only the ground.

Installed by `pip install pgcrosswalk[data]`; see docs/data.md.
"""
