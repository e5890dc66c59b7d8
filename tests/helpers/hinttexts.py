"""Every text that the program may print as a hint, found in its source.

A hint is what is given as `hint` to anything (a keyword, a parameter or a field of that name,
`problem.hint = …`). From there names, conditions and functions of the program are followed to the
texts that go into it.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

import qflow_gitops
from tests.helpers.typed import commands

PACKAGE = Path(qflow_gitops.__file__).parent
HINT, WAY_ON = "hint", "way_on"
ANY = "…"
"""What stands for a value in a text."""
_Function = ast.FunctionDef
_Definition = ast.FunctionDef | ast.ClassDef


class Text(NamedTuple):
    """A text that may be (part of) a hint, and the function that it stands in."""

    where: str
    text: str

    def is_in(self, printed: Iterable[str]) -> bool:
        """Whether one of some printed lines contains it, with anything for its values."""
        pieces = self.text.split(ANY)
        longest, form = max(pieces, key=len), re.compile(".*?".join(map(re.escape, pieces)))
        return any(longest in line and form.search(line) for line in printed)


@dataclass
class _Module:
    """A module's tree, and what its names mean."""

    name: str
    tree: ast.Module
    definitions: dict[str, _Definition] = field(default_factory=dict)
    values: dict[str, ast.expr] = field(default_factory=dict)
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name -> (module, name in it, "" for the module itself)."""


class _Scope(NamedTuple):
    """Where an expression stands: its module, and the functions around it, inmost last."""

    module: _Module
    functions: tuple[_Function, ...]

    @property
    def where(self) -> str:
        return f"{self.module.name}:{self.functions[-1].name if self.functions else ''}"


@cache
def hints() -> tuple[Text, ...]:
    """Give every text of a hint, each place once."""
    modules = _modules()
    found: dict[Text, None] = {}
    for module in modules.values():
        for scope, expression in _roots(module, modules):
            for one in _texts(expression, scope, modules, frozenset()):
                found[one] = None
    return tuple(found)


@cache
def literals() -> tuple[Text, ...]:
    """Give every text of the program that names a command in backticks, docstrings apart."""
    found: dict[Text, None] = {}
    for module in _modules().values():
        docs = set(_docstrings(module.tree))
        for scope, node in _walk(module.tree, _Scope(module, ())):
            if isinstance(node, ast.JoinedStr | ast.Constant) and node not in docs:
                text = _text(node)
                if text and commands(text):
                    found[Text(scope.where, text.strip())] = None
    return tuple(found)


def _docstrings(tree: ast.Module) -> Iterator[ast.expr]:
    """Give texts that are statements of their own: they are for readers of the source."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


# --- the source ----------------------------------------------------------------------


@cache
def _modules() -> dict[str, _Module]:
    made = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        module = _Module(name.removesuffix(".__init__"), ast.parse(path.read_text("utf-8")))
        for node in ast.walk(module.tree):
            _learn(module, node)
        made[module.name] = module
    return made


def _learn(module: _Module, node: ast.AST) -> None:
    if isinstance(node, _Definition):
        module.definitions.setdefault(node.name, node)
    elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("qflow_gitops"):
        for one in node.names:
            module.imported[one.asname or one.name] = (node.module or "", one.name)
    elif isinstance(node, ast.Assign) and node in module.tree.body:
        for target in node.targets:
            if isinstance(target, ast.Name):
                module.values[target.id] = node.value


def _walk(node: ast.AST, scope: _Scope) -> Iterator[tuple[_Scope, ast.AST]]:
    for child in ast.iter_child_nodes(node):
        yield scope, child
        inner = scope
        if isinstance(child, _Function):
            inner = scope._replace(functions=(*scope.functions, child))
        if not isinstance(child, ast.JoinedStr):  # its pieces are no texts of their own
            yield from _walk(child, inner)
        else:
            for value in child.values:
                if isinstance(value, ast.FormattedValue):
                    yield from _walk(value, scope)


def _roots(module: _Module, modules: dict[str, _Module]) -> Iterator[tuple[_Scope, ast.expr]]:
    """Give what is handed on as a hint."""
    for scope, node in _walk(module.tree, _Scope(module, ())):
        if isinstance(node, ast.Call):
            given = [one.value for one in node.keywords if one.arg in (HINT, WAY_ON)]
            place = _place(_definition(node.func, scope, modules))
            if place is not None and len(node.args) > place:
                given.append(node.args[place])
            yield from ((scope, one) for one in given)
        elif isinstance(node, ast.Assign) and any(
            isinstance(one, ast.Attribute) and one.attr == HINT for one in node.targets
        ):
            yield scope, node.value


def _place(definition: tuple[_Module, _Definition] | None) -> int | None:
    """Give which positional argument of a function or class is its hint."""
    if definition is None:
        return None
    _, node = definition
    if isinstance(node, ast.ClassDef):
        inits = [one for one in node.body if isinstance(one, _Function) and one.name == "__init__"]
        if not inits:
            fields = [one.target for one in node.body if isinstance(one, ast.AnnAssign)]
            names = [one.id for one in fields if isinstance(one, ast.Name)]
            return names.index(HINT) if HINT in names else None
        node = inits[0]
    names = [one.arg for one in node.args.args if one.arg not in ("self", "cls")]
    return names.index(HINT) if HINT in names else None


def _definition(
    called: ast.expr, scope: _Scope, modules: dict[str, _Module]
) -> tuple[_Module, _Definition] | None:
    """Find the function or class of the program that is called."""
    module = scope.module
    if isinstance(called, ast.Name):
        return _named(called.id, module, modules)
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
        owner = called.value.id
        if owner in ("self", "cls"):
            found = module.definitions.get(called.attr)
            return (module, found) if found else None
        source, name = module.imported.get(owner, ("", ""))
        other = modules.get(f"{source}.{name}")
        if other and called.attr in other.definitions:
            return other, other.definitions[called.attr]
    if isinstance(called, ast.Attribute):  # a method of an object: the one of that name
        found_in = [one for one in modules.values() if called.attr in one.definitions]
        if len(found_in) == 1:
            return found_in[0], found_in[0].definitions[called.attr]
    return None


def _named(
    name: str, module: _Module, modules: dict[str, _Module]
) -> tuple[_Module, _Definition] | None:
    if name in module.definitions:
        return module, module.definitions[name]
    source, original = module.imported.get(name, ("", ""))
    other = modules.get(source)
    return _named(original, other, modules) if other and other is not module else None


# --- following -----------------------------------------------------------------------


def _text(node: ast.expr) -> str:
    """Give a literal's text, "" for what has no words."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    pieces = [
        one.value if isinstance(one, ast.Constant) else ANY
        for one in (node.values if isinstance(node, ast.JoinedStr) else [])
    ]
    return "".join(map(str, pieces))


def _texts(
    node: ast.expr, scope: _Scope, modules: dict[str, _Module], seen: frozenset[int]
) -> Iterator[Text]:
    """Give the texts that an expression may be made of."""
    if id(node) in seen:
        return
    seen |= {id(node)}
    if isinstance(node, ast.JoinedStr | ast.Constant):
        text = _text(node)
        if len(re.findall(r"\w\w+", text)) > 1:
            yield Text(scope.where, text.strip())
    for scope_, one in _parts(node, scope, modules):
        yield from _texts(one, scope_, modules, seen)


def _parts(
    node: ast.expr, scope: _Scope, modules: dict[str, _Module]
) -> Iterator[tuple[_Scope, ast.expr]]:
    """Give what the value of an expression is taken from."""
    match node:
        case ast.JoinedStr(values):
            yield from ((scope, one.value) for one in values if isinstance(one, ast.FormattedValue))
        case ast.BinOp(left, _, right):
            yield from ((scope, left), (scope, right))
        case ast.IfExp(_, body, orelse):
            yield from ((scope, body), (scope, orelse))
        case ast.BoolOp(_, values):
            yield from ((scope, one) for one in values)
        case ast.GeneratorExp(elt) | ast.ListComp(elt) | ast.SetComp(elt):
            yield scope, elt
        case ast.Tuple(elts) | ast.List(elts):
            yield from ((scope, one) for one in elts)
        case ast.Starred(value):
            yield scope, value
        case ast.Name(name):
            yield from _assigned(name, scope, modules)
        case ast.Call(func, args):
            if isinstance(func, ast.Attribute):
                yield scope, func.value  # what `format`, `join` or `replace` is called on
            if not _is_ours(func, scope, modules):
                yield from ((scope, one) for one in args)
            yield from _returned(func, scope, modules)


def _is_ours(func: ast.expr, scope: _Scope, modules: dict[str, _Module]) -> bool:
    return _definition(func, scope, modules) is not None


def _returned(
    func: ast.expr, scope: _Scope, modules: dict[str, _Module]
) -> Iterator[tuple[_Scope, ast.expr]]:
    found = _definition(func, scope, modules)
    if found is None:
        return
    module, function = found
    if not isinstance(function, _Function):
        return
    inner = _Scope(module, (function,))
    for node in ast.walk(function):
        if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
            yield inner, node.value


def _assigned(
    name: str, scope: _Scope, modules: dict[str, _Module]
) -> Iterator[tuple[_Scope, ast.expr]]:
    """Give what a name may stand for: what the function assigns to it, else the module's."""
    for function in reversed(scope.functions):
        found = [*_assignments(name, function, scope, modules)]
        if found:
            yield from found
            return
        if name in {one.arg for one in (*function.args.args, *function.args.kwonlyargs)}:
            return  # whoever calls it says
    if name in scope.module.values:
        yield _Scope(scope.module, ()), scope.module.values[name]
    elif name in scope.module.imported:
        source, original = scope.module.imported[name]
        other = modules.get(source)
        if other and original in other.values:
            yield _Scope(other, ()), other.values[original]


def _assignments(
    name: str, function: _Function, scope: _Scope, modules: dict[str, _Module]
) -> Iterator[tuple[_Scope, ast.expr]]:
    for node in ast.walk(function):
        if isinstance(node, ast.AugAssign) and _is_name(node.target, name):
            yield scope, node.value
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if _is_name(target, name):
                    yield scope, node.value
                elif isinstance(target, ast.Tuple):
                    yield from _unpacked(name, target, node.value, scope, modules)


def _unpacked(
    name: str, target: ast.Tuple, value: ast.expr, scope: _Scope, modules: dict[str, _Module]
) -> Iterator[tuple[_Scope, ast.expr]]:
    """Give the part of a tuple that a name is given, also where a function returns the tuple."""
    places = [place for place, one in enumerate(target.elts) if _is_name(one, name)]
    given = [(scope, value)]
    if isinstance(value, ast.Call):
        given = list(_returned(value.func, scope, modules))
    for inner, one in given if places else []:
        if isinstance(one, ast.Tuple) and len(one.elts) == len(target.elts):
            yield from ((inner, one.elts[place]) for place in places)
        else:
            yield inner, one


def _is_name(node: ast.expr, name: str) -> bool:
    inner = node.value if isinstance(node, ast.Starred) else node
    return isinstance(inner, ast.Name) and inner.id == name
