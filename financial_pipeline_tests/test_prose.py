"""The rules of style, read from the source: plain words, and no literal unpacked to save lines."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from financial_pipeline_tests.test_house import FILES, MODULES, relative

# Prose that native readers stumble over, and metaphors in names.
WORST_WORDS = re.compile(
    r"\b(?:anew|beside|bears|courtesy|sieve|same road|given again|goes on|(?:is|are) told|told by"
    r"|what landed|whatever stands|where it (?:stands|lies)|lies below|stands still"
    r"|(?:is|was) to be had)\b",
    re.IGNORECASE,
)
PROSE_SUFFIXES = {".py", ".sql", ".yml", ".yaml", ".toml", ".java", ".md", ".ipynb"}
# It quotes the words to avoid.
STYLE_GUIDE = "docs/architecture.md"


def has_fixed_names(node: ast.expr) -> bool:
    """Whether a node is a dictionary literal; computed names have no other form."""
    return isinstance(node, ast.Dict) and all(isinstance(key, ast.Constant) for key in node.keys)


def unpacked_literals(tree: ast.Module) -> Iterator[int]:
    """Lines on which a literal is unpacked into another: `*(a, b)`, `**{...}`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Starred) and isinstance(node.value, ast.Tuple | ast.List | ast.Set):
            yield node.lineno
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            yield from (v.lineno for k, v in pairs if k is None and isinstance(v, ast.Dict))
        if isinstance(node, ast.keyword) and node.arg is None and has_fixed_names(node.value):
            yield node.value.lineno


def test_no_literal_is_unpacked_to_save_lines() -> None:
    found = [
        f"{relative(path)}:{n}" for path, tree in MODULES.items() for n in unpacked_literals(tree)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "count"), [("[*(1, 2)]", 1), ("f(**{'a': 1})", 1), ("{**{}, **a}", 1), ("[*a]", 0)]
)
def test_lint_of_unpacked_literals_finds_them(text: str, count: int) -> None:
    assert len([*unpacked_literals(ast.parse(text))]) == count


def test_prose_avoids_the_worst_words() -> None:
    found = [
        f"{relative(path)}:{number} {match.group()}"
        for path in FILES
        if path.suffix in PROSE_SUFFIXES
        if path != Path(__file__) and relative(path) != STYLE_GUIDE
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        for match in WORST_WORDS.finditer(line)
    ]
    assert found == []


# "What landed" for landed files, "how sure it is" for its inference.
FREE_RELATIVE = re.compile(r"(?:as|how|of|what|whatever|when|where|which|why)\b", re.IGNORECASE)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def test_docstrings_start_with_a_verb_or_a_noun() -> None:
    found = [
        f"{relative(path)}: {text.splitlines()[0]}"
        for path, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, DOCUMENTED) and (text := ast.get_docstring(node))
        if FREE_RELATIVE.match(text)
    ]
    assert found == []
