"""Models of every document and body of `/v1`, and the OpenAPI document that is made of them.

The controller never imports them: it answers with what it has, and the tests hold that to these.
"""
