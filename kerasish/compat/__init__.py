"""Existing Keras scripts without Keras: ``import keras`` and ``import tensorflow`` find kerasish.

`install` puts an import hook in place, `uninstall` takes it away; outside of these two nothing is
shadowed. ``python -m kerasish run SCRIPT`` does it for one script.
"""

from kerasish.compat.finder import install, is_installed, uninstall

__all__ = ["install", "is_installed", "uninstall"]
