"""The service's face: JSON API, web pages, health and metrics, on aiohttp.

Handlers turn a request into one use-case call and its result into an answer; no rule and no SQL
lives here. Start with README.md (life of a request, where to add a route), then `routes.py` (the
whole surface on one screen), `routing.py` (what a route declares) and `middleware.py` (what every
request passes).
"""
