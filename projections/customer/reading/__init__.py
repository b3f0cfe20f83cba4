"""What readers of the customer 360 ask: documents, lists, timelines, histories, look-ups.

Queries and pure rendering stand here, so that every way of reading gives the same answers; how
they travel is the business of the API.
"""
