"""Muniment: an open compliance archive for what a business says on social media.

Start at `archiver/README.md`: the picture, the life of a post, and where to add things.
"""

__version__ = "0.1.0"
