"""Files from the network: from several addresses, checked, and kept."""

from kerasish.fetching.download import DownloadError, fetch, file_hash, home, is_offline
from kerasish.fetching.locks import locked

__all__ = ["DownloadError", "fetch", "file_hash", "home", "is_offline", "locked"]
