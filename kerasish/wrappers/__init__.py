"""Models as scikit-learn's estimators: `KerasClassifier` and `KerasRegressor`.

Needs scikit-learn, the extra ``scikit-learn``; it is imported when one of the two is first used.
"""

from typing import Any

__all__ = ["KerasClassifier", "KerasRegressor"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'kerasish.wrappers' has no attribute {name!r}")
    try:
        from kerasish.wrappers import estimators
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "sklearn":
            raise
        raise ImportError(
            f"kerasish.wrappers.{name} needs scikit-learn, which is not installed. "
            f"Run: pip install scikit-learn"
        ) from None
    return getattr(estimators, name)
