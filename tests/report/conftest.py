"""What every report must be: one balanced HTML file that loads nothing from outside."""

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
LOADING = {"src", "href", "srcset", "data", "action", "poster", "background"}


class Balance(HTMLParser):
    """Every opened element is closed in order; collects what the page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.elements: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.loads += [value or "" for name, value in attrs if name in LOADING]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another element, at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def parsed(html: str) -> Balance:
    found = Balance()
    found.feed(html)
    found.close()
    assert found.open == []
    return found


def assert_self_contained(html: str) -> Balance:
    """Nothing is loaded from outside: images are data URIs, styles are inside, there are no scripts."""
    found = parsed(html)
    assert all(load.startswith("data:image/png;base64,") for load in found.loads)
    assert not {"script", "link", "iframe", "object", "embed", "base"} & set(found.elements)
    assert "@import" not in html
    assert not re.search(r"url\(", html)
    return found


Check = Callable[[str], Balance]


@pytest.fixture(scope="session")
def self_contained() -> Check:
    """Check a page and return its elements, texts and what it loads."""
    return assert_self_contained
