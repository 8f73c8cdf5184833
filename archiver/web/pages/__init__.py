"""HTML pages: rendered on the server, working without JavaScript, safe to show hostile posts.

`rendering.py` owns templates and static files, `text.py` how archived text becomes marked-up
fragments. One module per page or pair of pages.
"""
