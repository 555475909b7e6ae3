"""GitLab: notes of a merge request, by what a pipeline has in its environment.

The job's own token may not write notes, so it takes a project access token with the scope `api`.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from reconciler.cli.review.forge import Comment, call

_PAGE = 100


class GitLab:
    """The notes of one merge request."""

    def __init__(self, environ: Mapping[str, str], number: int) -> None:
        self._api = environ["CI_API_V4_URL"]
        project = quote(environ["CI_PROJECT_ID"], safe="")
        self._notes = f"{self._api}/projects/{project}/merge_requests/{number}/notes"
        self._headers = {"PRIVATE-TOKEN": environ.get("RECON_REVIEW_TOKEN", "")}

    def own(self) -> list[Comment]:
        user = call("GET", f"{self._api}/user", self._headers)["id"]
        found, number = [], 1
        while True:
            query = f"sort=asc&order_by=created_at&per_page={_PAGE}&page={number}"
            page = call("GET", f"{self._notes}?{query}", self._headers)
            found += [
                Comment(int(note["id"]), str(note["body"]))
                for note in page
                if note["author"]["id"] == user
            ]
            if len(page) < _PAGE:
                return found
            number += 1

    def create(self, body: str) -> None:
        call("POST", self._notes, self._headers, {"body": body})

    def update(self, id: int, body: str) -> None:
        call("PUT", f"{self._notes}/{id}", self._headers, {"body": body})

    def delete(self, id: int) -> None:
        call("DELETE", f"{self._notes}/{id}", self._headers)


def number_of(environ: Mapping[str, str]) -> int | None:
    """The merge request of this pipeline; None for other pipelines."""
    text = environ.get("CI_MERGE_REQUEST_IID", "")
    return int(text) if text.isascii() and text.isdecimal() else None
