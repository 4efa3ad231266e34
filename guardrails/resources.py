"""Where shipped files are: beside the code in a checkout, inside the package in an installed wheel."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from guardrails.errors import GuardrailsError

__all__ = ["data_dir", "models_dir", "policies_dir", "shipped_policies"]

_PACKAGE = Path(__file__).resolve().parent


def policies_dir() -> Path:
    """The folder of the shipped policies. Raises GuardrailsError when the installation is incomplete."""
    for candidate in (_PACKAGE / "_shipped" / "policies", _PACKAGE.parent / "policies"):
        if (candidate / "baseline.yaml").is_file():
            return candidate
    raise GuardrailsError("the shipped policies are missing: reinstall the package (pip install --force-reinstall)")


def data_dir() -> Path:
    """The folder of package data (managed word lists)."""
    return _PACKAGE / "data"


def shipped_policies() -> tuple[str, ...]:
    """The names of the shipped policies, sorted."""
    return tuple(sorted(p.stem for p in policies_dir().glob("*.yaml") if not p.name.endswith(".test.yaml")))


def models_dir(name: str) -> Path:
    """The folder of a trained model: in the package, in the checkout, or in a distribution of its own (``large``).

    It may not exist: :mod:`guardrails.inference.store` says so.
    """
    installed = _PACKAGE / "_shipped" / "models" / name
    if installed.is_dir():
        return installed
    checkout = _PACKAGE.parent / "models" / name / "weights"
    if checkout.is_dir():
        return checkout
    try:
        apart = import_module(f"onepolicy_guardrails_{name}")
    except ModuleNotFoundError:
        return checkout
    return Path(apart.folder())
