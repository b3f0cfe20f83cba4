"""The mutants of a module: every small change that a test should notice.

What is not changed, because no promise hangs on it: docstrings, messages, annotations, decorators,
the options of a class, and the ``fmt``-like rest that leaves no trace in the syntax tree.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Mutant:
    """A module with one change.

    Args:
        path: of the module, from the root of the repository.
        line: where the change is.
        change: what it is.
        source: of the whole changed module.

    """

    path: Path
    line: int
    change: str
    source: str

    @property
    def module(self) -> str:
        """The name by which the module is imported."""
        parts = self.path.with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Yield every mutant of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for holder, name, place in list(_places(tree)):
        found = getattr(holder, name)
        node = found if place is None else found[place]
        for changed in _changes(node):
            _put(holder, name, place, changed)
            source = ast.unparse(ast.fix_missing_locations(tree))
            change = f"{_shown(node)} → {_shown(changed)}"
            yield Mutant(path, node.lineno, change, source)
        _put(holder, name, place, node)


def _places(tree: ast.AST) -> Iterator[tuple[ast.AST, str, int | None]]:
    """Yield every place of a node in the tree that may be changed: holder, field, index."""
    for name, value in ast.iter_fields(tree):
        if _is_left_alone(tree, name):
            continue
        if isinstance(value, list):
            for place, one in enumerate(value):
                if isinstance(one, ast.AST) and not isinstance(one, ast.JoinedStr):
                    yield tree, name, place
                    yield from _places(one)
        elif isinstance(value, ast.AST) and not isinstance(value, ast.JoinedStr):
            yield tree, name, None
            yield from _places(value)


def _is_left_alone(holder: ast.AST, name: str) -> bool:
    if name in {"annotation", "returns", "decorator_list", "type_params", "ops", "op", "ctx"}:
        return True
    return isinstance(holder, ast.ClassDef) and name in {"keywords", "bases"}


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.expr):
        yield from _expression_changes(node)
    elif isinstance(node, ast.stmt):
        yield from _statement_changes(node)


def _expression_changes(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(ops=[operator]):
            for other in _COMPARISONS[type(operator)]:
                yield ast.Compare(node.left, [other()], node.comparators)
        case ast.BinOp() if type(node.op) in _OPERATORS:
            yield ast.BinOp(node.left, _OPERATORS[type(node.op)](), node.right)
        case ast.BoolOp():
            yield ast.BoolOp(ast.And() if isinstance(node.op, ast.Or) else ast.Or(), node.values)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield node.operand
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield ast.Constant(value + 1)
        case ast.Call(func=ast.Name(id=name)) if name in _CALLS:
            yield ast.Call(ast.Name(_CALLS[name], ast.Load()), node.args, node.keywords)
        case _:
            return


def _statement_changes(node: ast.stmt) -> Iterator[ast.stmt]:
    match node:
        case ast.AugAssign() if type(node.op) in _OPERATORS:
            yield ast.AugAssign(node.target, _OPERATORS[type(node.op)](), node.value)
            yield ast.Pass()
        case ast.If():
            yield ast.If(ast.Constant(value=False), node.body, node.orelse)
            yield ast.If(ast.Constant(value=True), node.body, node.orelse)
        case ast.While():
            yield ast.While(ast.Constant(value=False), node.body, node.orelse)
        case ast.Expr(value=ast.Call() | ast.YieldFrom()) | ast.Break() | ast.Continue():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]) | ast.Delete():
            yield ast.Pass()
        case _:
            return


def _put(holder: ast.AST, name: str, place: int | None, node: ast.AST) -> None:
    if place is None:
        setattr(holder, name, node)
    else:
        getattr(holder, name)[place] = node


def _shown(node: ast.AST) -> str:
    """Return a node in one short line."""
    lines = ast.unparse(ast.fix_missing_locations(node)).splitlines()
    return lines[0][:70] + (" …" if len(lines) > 1 or len(lines[0]) > 70 else "")
