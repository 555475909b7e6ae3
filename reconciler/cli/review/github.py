"""GitHub: comments of a pull request, by what a workflow has in its environment.

Its own comments are found by GraphQL: only there an answer says `viewerDidAuthor`, and the token of
a workflow may not ask REST who it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reconciler.cli.review.forge import Comment, ForgeError, call

_QUERY = """\
query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      comments(first: 100, after: $after) {
        nodes { databaseId body viewerDidAuthor }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}"""


class GitHub:
    """The comments of one pull request."""

    def __init__(self, environ: Mapping[str, str], number: int) -> None:
        self._owner, _, self._name = environ["GITHUB_REPOSITORY"].partition("/")
        self._number = number
        api = environ.get("GITHUB_API_URL", "https://api.github.com")
        self._graphql = environ.get("GITHUB_GRAPHQL_URL", f"{api}/graphql")
        self._issues = f"{api}/repos/{self._owner}/{self._name}/issues"
        self._headers = {
            "Authorization": f"Bearer {environ.get('RECON_REVIEW_TOKEN', '')}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }

    def own(self) -> list[Comment]:
        found, after = [], None
        while True:
            page = self._page(after)
            found += [
                Comment(int(node["databaseId"]), str(node["body"]))
                for node in page["nodes"]
                if node["viewerDidAuthor"]
            ]
            if not page["pageInfo"]["hasNextPage"]:
                return found
            after = page["pageInfo"]["endCursor"]

    def create(self, body: str) -> None:
        url = f"{self._issues}/{self._number}/comments"
        call("POST", url, self._headers, {"body": body})

    def update(self, id: int, body: str) -> None:
        call("PATCH", f"{self._issues}/comments/{id}", self._headers, {"body": body})

    def delete(self, id: int) -> None:
        call("DELETE", f"{self._issues}/comments/{id}", self._headers)

    def _page(self, after: str | None) -> Any:
        variables = {"owner": self._owner, "name": self._name, "number": self._number}
        data = {"query": _QUERY, "variables": {**variables, "after": after}}
        answer = call("POST", self._graphql, self._headers, data)
        try:
            return answer["data"]["repository"]["pullRequest"]["comments"]
        except (KeyError, TypeError):
            why = json.dumps((answer or {}).get("errors", answer))[:300]
            raise ForgeError(f"{self._graphql}: {why}", refused="FORBIDDEN" in why) from None


def number_of(environ: Mapping[str, str]) -> int | None:
    """The pull request of the event that started the workflow; None for other events."""
    try:
        with open(environ["GITHUB_EVENT_PATH"], "rb") as file:
            event = json.load(file)
        return int(event["pull_request"]["number"])
    except (KeyError, TypeError, ValueError, RecursionError, OSError):
        return None
