"""Single values as people write them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from reconciler.model.spec.manifest import AppSpec


@pytest.mark.parametrize(
    "image",
    [
        "nginx",
        "nginx:1.29",
        "library/nginx",
        "registry.example:5000/team/web-app:v1.2.3_4",
        "localhost/web@sha256:" + "0a" * 32,
    ],
)
def test_an_image_is_a_reference_that_a_registry_takes(image: str) -> None:
    assert AppSpec.model_validate({"command": "a", "image": image}).image == image


@pytest.mark.parametrize("image", ["", "Nginx", "web:", "a b", "web:-x", "-web", "https://x/web"])
def test_anything_else_is_refused_with_an_example(image: str) -> None:
    with pytest.raises(ValidationError, match="is not the name of an image"):
        AppSpec.model_validate({"command": "a", "image": image})
