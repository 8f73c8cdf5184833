"""The JSON API, one module per resource; each ends with its `ROUTES`, gathered in `web.routes`."""
