"""The ledger: one append-only Merkle log per archive, in standard formats. `FORMAT.md` is the law.

`merkle.py`, `tiles.py`, `note.py`, `checkpoint.py`, `proof.py`, `receipt.py` and `entry.py` are
pure; `integrator.py` alone writes and signs.
"""
