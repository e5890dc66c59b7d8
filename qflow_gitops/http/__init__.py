"""The one door to HTTP: the route, one request, what an answer proves, secrets taken out.

A GET is tried again by `retries`, the only loop of its kind. Nothing is sent anywhere but to the
gateway, Qualys' API server or GitHub. The only room that knows requests.
"""
