"""Frozen domain types shared by every layer. Standard library only; no I/O, no clock."""
