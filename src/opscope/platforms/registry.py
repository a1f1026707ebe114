"""The registry: families found by entry point, platforms listed and opened by name."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from opscope.core.configuration import Precision
from opscope.core.decoding import suggest
from opscope.core.platform import Origin, PlatformListing, PlatformName
from opscope.errors import ConfigurationError, PlatformUnavailable
from opscope.platforms.base import Family, Platform

GROUP = "opscope.platforms"
"""The entry-point group in which a package names its families."""


def list_platforms(points: Iterable[EntryPoint] | None = None) -> list[PlatformListing]:
    """Return every platform of every family; a broken family is one row too.

    No runtime is loaded: what is listed as available may be broken yet (`opscope.platforms.probe`).
    """
    listings: list[PlatformListing] = []
    for point in _points(points):
        listings += _listings_of(point)
    return ordered(listings)


def ordered(listings: Iterable[PlatformListing]) -> list[PlatformListing]:
    """Return the listings by name, available ones first."""
    return sorted(listings, key=lambda listing: (not listing.available, listing.name))


def open_platform(name: PlatformName | str, points: Iterable[EntryPoint] | None = None) -> Platform:
    """Return the platform that ``name`` spells; its runtime is not loaded yet.

    Raises:
        ConfigurationError: If there is no such platform or an option is impossible.
        PlatformUnavailable: If its package or device is missing, or its family is broken.
    """
    if isinstance(name, str):
        name = PlatformName.parse(name)
    known: list[str] = []
    for point in _points(points):
        for listing in _listings_of(point):
            known.append(listing.name)
            if listing.name != name.name:
                continue
            if not listing.available:
                raise PlatformUnavailable(listing.reason, where=listing.name)
            return _load(point).open(name)
    raise ConfigurationError(
        f"there is no platform {name.name!r}", remedy=suggest(name.name, known)
    )


def load_platform(name: str, points: Iterable[EntryPoint] | None = None) -> Platform:
    """Return the platform that ``name`` spells, its runtime loaded.

    Raises:
        ConfigurationError: If there is no such platform or an option is impossible.
        PlatformUnavailable: If its package or device is missing or broken.
    """
    platform = open_platform(name, points)
    try:
        platform.load()
    except PlatformUnavailable as exc:
        raise exc.at(name) from exc
    except Exception as exc:  # another package's code may fail in any way
        raise PlatformUnavailable(
            f"it does not load: {type(exc).__name__}: {exc}",
            where=name,
            remedy="Reinstall the package it comes from.",
        ) from exc
    return platform


def _points(points: Iterable[EntryPoint] | None) -> list[EntryPoint]:
    found = entry_points(group=GROUP) if points is None else points
    return sorted(found, key=lambda point: point.name)


def _listings_of(point: EntryPoint) -> list[PlatformListing]:
    try:
        return _load(point).listings()
    except PlatformUnavailable as exc:
        return [_broken(point, str(exc))]
    except Exception as exc:  # noqa: BLE001 - nor may what it does hide the other families
        reason = f"its family does not list its platforms: {type(exc).__name__}: {exc}"
        return [_broken(point, reason)]


def _load(point: EntryPoint) -> Family:
    try:
        family: Family = point.load()
    except Exception as exc:  # another package's module may fail in any way
        raise PlatformUnavailable(
            f"its module {point.value} does not load: {type(exc).__name__}: {exc}",
            remedy="Reinstall the package it comes from.",
        ) from exc
    return family


def _broken(point: EntryPoint, reason: str) -> PlatformListing:
    return PlatformListing(
        name=point.name,
        family=point.name,
        description="",
        available=False,
        reason=reason,
        precisions=tuple[Precision, ...](),
        origin=Origin.MEASURED,
    )
