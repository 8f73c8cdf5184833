"""Background work: followers that read the log by index, and the loops that drive everything.

A follower advances its watermark only after its own commit, and can be reset to 0 and replayed.
"""
