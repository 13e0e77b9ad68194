"""The engine over HTTP, in the vendors' own words: each of their APIs is one file here.

    request ─► app (body limit, request id) ─► endpoint (key, rate, body read and checked) ─► the act

An endpoint is a value (`endpoint.Endpoint`): what it takes and answers stands beside the function that acts,
and the OpenAPI description (`openapi`) is made of the same values.
"""
