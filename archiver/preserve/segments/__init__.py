"""Segments: packs of encrypted records, each record under its own key. `FORMAT.md` is the law.

`frame.py` is one encrypted record, `segment.py` the pack, `keys.py` the wrapped keys beside it,
`manifest.py` what a record says about itself, `media.py` large parts. All of it is pure.
"""
