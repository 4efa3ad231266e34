"""The demo: a chat upstream with canned answers and no model, and the middleware with two tenants in front of it."""
