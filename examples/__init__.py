"""Worked examples; nothing in the package imports them."""
