"""Static files under names that carry a digest of their content, so that browsers may keep them for ever.

The table is made from the finders when somebody first asks: there is no build step and nothing is written, so it is the
same in a container, in a checkout and in a test.
"""

import hashlib
from functools import cache
from pathlib import Path, PurePosixPath

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from whitenoise.middleware import WhiteNoiseMiddleware

DIGEST_LENGTH = 12


@cache
def versioned_names() -> dict[str, str]:
    """`dashboard/style.css` → `dashboard/style.0123456789ab.css`, for every static file there is."""
    found = [(path, storage.path(path)) for finder in finders.get_finders() for path, storage in finder.list(None)]
    # The first finder wins, as it does for Django.
    return {name: _versioned(name, Path(place)) for name, place in reversed(found)}


def _versioned(name: str, place: Path) -> str:
    digest = hashlib.sha256(place.read_bytes()).hexdigest()[:DIGEST_LENGTH]
    path = PurePosixPath(name)
    return str(path.with_name(f"{path.stem}.{digest}{path.suffix}"))


class VersionedStorage(StaticFilesStorage):
    """What `{% static %}` asks. A name that is no file keeps its name, and is then found missing."""

    def url(self, name: str | None) -> str:
        return super().url(versioned_names().get(name or "", name))


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]  # It has no types.
    """Serves each file under both names: the plain one for a minute, because stylesheets name each other by it."""

    def add_files_from_finders(self) -> None:
        super().add_files_from_finders()
        for name, versioned in versioned_names().items():
            url = self.static_prefix + versioned
            self.files[url] = self.get_static_file(finders.find(name), url)
