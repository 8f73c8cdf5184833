"""What counsel does: search, and hold what may be evidence.

`searching` answers queries with exact counts and what they cover (`answers`); `holds` places and
releases holds, `membership` computes what they cover, `object_holds` keeps the object store in
step. `queries` reads query texts and speaks for the engine's errors.
"""
