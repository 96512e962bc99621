"""The salon: a beauty salon's booking assistant and the database that it moved onto (docs/salon.md)."""
