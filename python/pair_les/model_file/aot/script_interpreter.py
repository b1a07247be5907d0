# SPDX-License-Identifier: MIT
"""TorchScript inside a network as Python calls of the same operators, so that a network which contains some can be traced.

Torch runs TorchScript in an interpreter of its own, which turns symbols for sizes into the numbers of the example. Packages such as e3nn
script the functions that they generate. Here the graph of such a module or function is read and its operators are called one by one.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from pair_les.errors import RunError
from pair_les.installation.process_state import replaced_attribute

SCALAR_TYPES = {
    0: torch.uint8,
    1: torch.int8,
    2: torch.int16,
    3: torch.int32,
    4: torch.int64,
    5: torch.float16,
    6: torch.float32,
    7: torch.float64,
    9: torch.complex64,
    10: torch.complex128,
    11: torch.bool,
    15: torch.bfloat16,
}
"""TorchScript knows types by number (c10/core/ScalarType.h)."""

LAYOUTS = {0: torch.strided}
MEMORY_FORMATS = {0: torch.contiguous_format, 1: torch.preserve_format}

ON_NUMBERS_AND_LISTS: dict[str, Callable[..., Any]] = {
    "aten::__contains__": lambda values, value: value in values,
    "aten::__getitem__": operator.getitem,
    "aten::__is__": operator.is_,
    "aten::__isnot__": operator.is_not,
    "aten::__not__": operator.not_,
    "aten::add": operator.add,
    "aten::append": lambda values, value: values.append(value) or values,
    "aten::dim": lambda tensor: tensor.dim(),
    "aten::eq": operator.eq,
    "aten::floordiv": operator.floordiv,
    "aten::ge": operator.ge,
    "aten::gt": operator.gt,
    "aten::le": operator.le,
    "aten::len": len,
    "aten::list": list,
    "aten::lt": operator.lt,
    "aten::mul": operator.mul,
    "aten::ne": operator.ne,
    "aten::neg": operator.neg,
    "aten::remainder": operator.mod,
    "aten::size": lambda tensor, *dimension: tensor.size(*dimension) if dimension else list(tensor.shape),
    "aten::slice": lambda values, start, stop, step: values[start:stop:step],
    "aten::sqrt": lambda value: value**0.5,
    "aten::sub": operator.sub,
    "prim::device": lambda tensor: tensor.device,
    "prim::dtype": lambda tensor: tensor.dtype,
    "prim::ListConstruct": lambda *values: list(values),
    "prim::TupleConstruct": lambda *values: values,
    "prim::Uninitialized": lambda: None,
    "prim::unchecked_cast": lambda value: value,
    "prim::unchecked_unwrap_optional": lambda value: value,
}
"""Operators on values that are no tensors; those of these names on tensors have a schema with a tensor."""


def interpret(graph: Any, inputs: tuple[Any, ...]) -> Any:
    """Evaluate an inlined graph.

    Raises
    ------
    RunError
        If it has an operation that is not known here.
    """
    values = {value.debugName(): given for value, given in zip(graph.inputs(), inputs, strict=True)}
    results = _run(graph, values)
    return results[0] if len(results) == 1 else tuple(results)


class InterpretedModule(torch.nn.Module):
    """A scripted module whose ``forward`` is interpreted."""

    script: Any  # not a submodule: nothing in it is to be found by others

    def __init__(self, script: torch.nn.Module) -> None:
        super().__init__()
        object.__setattr__(self, "script", script)

    def forward(self, *positional: Any, **named: Any) -> Any:
        """As that of the script."""
        method = self.script.forward
        given = _bind(method.schema.arguments[1:], positional, named)  # without self
        return interpret(method.inlined_graph, (self.script, *given))


@contextmanager
def interpreted_scripts(network: torch.nn.Module) -> Iterator[None]:
    """Interpret the scripted modules of a network, and the scripted functions that its code finds by name, as long as this lasts."""
    with ExitStack() as stack:
        scripted: list[tuple[torch.nn.Module, str, torch.nn.Module]] = []
        for module in network.modules():
            if isinstance(module, torch.jit.ScriptModule):
                continue
            for name, child in module.named_children():
                if isinstance(child, torch.jit.ScriptModule):
                    scripted.append((module, name, child))
        for owner, name, child in scripted:
            owner._modules[name] = InterpretedModule(child)
            stack.callback(owner._modules.__setitem__, name, child)
        for namespace in {type(module).__module__ for module in network.modules()}:
            source = sys.modules.get(namespace)
            for name, value in list(vars(source).items()) if source is not None else []:
                if isinstance(value, torch.jit.ScriptFunction):
                    stack.enter_context(replaced_attribute(source, name, _interpreted_function(value)))
        yield


def _interpreted_function(function: Any) -> Callable[..., Any]:
    def call(*positional: Any, **named: Any) -> Any:
        return interpret(function.inlined_graph, _bind(function.schema.arguments, positional, named))

    return call


def _bind(arguments: Any, positional: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
    """All arguments of a call in the order of the schema, with its defaults."""
    rest = arguments[len(positional) :]
    return (*positional, *(named.get(argument.name, argument.default_value) for argument in rest))


def _run(block: Any, values: dict[str, Any]) -> list[Any]:
    """Evaluate a graph or a block of one; returns its outputs."""
    for node in block.nodes():
        given = [values[value.debugName()] for value in node.inputs()]
        outputs = list(node.outputs())
        found = _evaluate(node, given, values)
        if len(outputs) == 1 and node.kind() not in ("prim::If", "prim::Loop"):
            found = [found]
        for output, value in zip(outputs, found, strict=False):
            values[output.debugName()] = value
    return [values[value.debugName()] for value in block.outputs()]


def _evaluate(node: Any, given: list[Any], values: dict[str, Any]) -> Any:
    kind = node.kind()
    if kind == "prim::Constant":
        return node.output().toIValue()
    if kind == "prim::GetAttr":
        return getattr(given[0], node.s("name"))
    if kind in ("prim::TupleUnpack", "prim::ListUnpack"):
        return list(given[0]) if node.outputsSize() > 1 else given[0][0]
    if kind == "prim::If":
        then, otherwise = node.blocks()
        return _run(then if given[0] else otherwise, values)
    if kind == "prim::Loop":
        return _loop(node, given, values)
    if kind == "prim::RaiseException":
        raise RuntimeError(str(given[0]))
    schema = node.schema()
    on_tensors = "Tensor" in schema and kind not in ("aten::size", "aten::dim", "prim::device", "prim::dtype")
    if kind in ON_NUMBERS_AND_LISTS and not on_tensors:
        return ON_NUMBERS_AND_LISTS[kind](*given)
    if kind.startswith("aten::") and on_tensors:
        return _call_operator(schema, given)
    raise RunError(f"--format pt2: TorchScript with the operation {kind}, which is not known here")


def _loop(node: Any, given: list[Any], values: dict[str, Any]) -> list[Any]:
    (body,) = node.blocks()
    trips, goes_on, *carried = given
    names = [value.debugName() for value in body.inputs()]
    trip = 0
    while goes_on and trip < trips:
        values.update(zip(names, [trip, *carried], strict=True))
        goes_on, *carried = _run(body, values)
        trip += 1
    return carried


def _call_operator(schema: str, given: list[Any]) -> Any:
    name, _, overload = schema.split("(", 1)[0].removeprefix("aten::").partition(".")
    function = getattr(getattr(torch.ops.aten, name), overload or "default")
    positional, named = [], {}
    for argument, value in zip(function._schema.arguments, given, strict=True):
        value = _typed(str(argument.real_type), value)
        if argument.kwarg_only:
            named[argument.name] = value
        else:
            positional.append(value)
    return function(*positional, **named)


def _typed(kind: str, value: Any) -> Any:
    """What TorchScript knows by a number, as Python knows it."""
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    if "ScalarType" in kind:
        return SCALAR_TYPES[value]
    if "Layout" in kind:
        return LAYOUTS[value]
    if "MemoryFormat" in kind:
        return MEMORY_FORMATS[value]
    return value
