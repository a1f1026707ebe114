"""Packages: whether a runtime's package is there, in a version that fits, and whether it loads."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from opscope.errors import PlatformUnavailable


def missing_package(package: str, *, declared_by: str = "opscope") -> str:
    """Return why a family cannot do with what is installed of ``package``, or nothing if it can.

    Nothing is imported.

    Args:
        package: Name of the distribution that brings the runtime.
        declared_by: The distribution that declares which versions of it will do.
    """
    needed = _requirement(package, declared_by)
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return f"the package {package} is missing; install it with: pip install '{needed}'"
    if not version:
        return f"the package {package} is installed in part only. {_reinstall(needed)}"
    if not needed.specifier.contains(version, prereleases=True):
        return f"{package} {version} is installed, and {needed} is needed: pip install '{needed}'"
    return ""


def comes_by_extra(package: str, *, declared_by: str = "opscope") -> bool:
    """Whether the distribution ``declared_by`` needs ``package`` for one of its extras alone."""
    declared = _declared(package, declared_by)
    return bool(declared and declared.marker and "extra" in str(declared.marker))


def load_package(
    package: str, names: Sequence[str] = (), *, module: str = "", declared_by: str = "opscope"
) -> ModuleType:
    """Import a runtime's package.

    Args:
        package: Name of the distribution that brings it.
        names: What the module must have; a package of which files are missing may import.
        module: Name of the module, where it is not the distribution's.
        declared_by: The distribution that declares which versions of it will do.

    Raises:
        PlatformUnavailable: If it does not load or lacks a name; it says where it lies and how to
            reinstall it.
    """
    module = module or package
    try:
        loaded = importlib.import_module(module)
    except Exception as exc:  # a broken package may raise anything
        fault = f"{type(exc).__name__}: {exc}"
        raise broken_package(package, fault, module=module, declared_by=declared_by) from exc
    if lacking := [name for name in names if not hasattr(loaded, name)]:
        raise broken_package(
            package, f"it has no {', '.join(lacking)}", module=module, declared_by=declared_by
        )
    return loaded


def broken_package(
    package: str, fault: str, *, module: str = "", declared_by: str = "opscope"
) -> PlatformUnavailable:
    """Return the error for a package that is installed and does not work, with what mends it."""
    folder = _folder(module or package)
    remedy = _reinstall(_requirement(package, declared_by))
    if folder and not folder.is_relative_to(_installed_in(package)):
        remedy = f"It hides the installed one: take its folder off PYTHONPATH. {remedy}"
    place = f" in {folder}" if folder else ""
    return PlatformUnavailable(
        f"the package {package}{place} is broken: {' '.join(fault.split())}", remedy=remedy
    )


@contextmanager
def muted() -> Iterator[None]:
    """Keep back what a package's own code, C++ too, writes to the standard error stream."""
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


def _reinstall(requirement: Requirement) -> str:
    return f"Reinstall it: pip install --force-reinstall '{requirement}'"


def _requirement(package: str, declared_by: str) -> Requirement:
    """Return which versions of ``package`` the distribution ``declared_by`` declares; else any."""
    requirement = _declared(package, declared_by) or Requirement(package)
    requirement.marker = None
    return requirement


def _declared(package: str, declared_by: str) -> Requirement | None:
    """Return what ``declared_by`` declares of ``package``, and under which condition."""
    try:
        declared = importlib.metadata.requires(declared_by) or ()
    except importlib.metadata.PackageNotFoundError:
        return None
    wanted = canonicalize_name(package)
    found = (Requirement(line) for line in declared)
    return next((item for item in found if canonicalize_name(item.name) == wanted), None)


def _folder(module: str) -> Path | None:
    """Return where a module is imported from, without importing it."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):  # a module that broke half-way may have none
        return None
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) if places else None


def _installed_in(package: str) -> Path:
    """Return the folder a distribution is installed in; the root if it is not installed."""
    try:
        return Path(str(importlib.metadata.distribution(package).locate_file("")))
    except importlib.metadata.PackageNotFoundError:
        return Path("/")
