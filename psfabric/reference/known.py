"""What a processor asks, in terms of one look-up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeVar

from psfabric.errors import Held, Invalid, Parent
from schemas import Model
from schemas.models import ClientOnboarded, EngagementContracted, ProjectCreated

M = TypeVar("M", bound=Model)


class Lookups(ABC):
    """Typed look-ups over `find`. Each raises Held(Parent) for what is not there yet, and Invalid(reference-unusable)
    when something else is kept under that name."""

    @abstractmethod
    def find(self, entity: str, id: str) -> Model | None:
        """The latest state of `id`, or None when there is none."""

    def client(self, id: str) -> ClientOnboarded:
        return self._known("client", id, ClientOnboarded)

    def engagement(self, id: str) -> EngagementContracted:
        return self._known("engagement", id, EngagementContracted)

    def project(self, id: str) -> ProjectCreated:
        return self._known("project", id, ProjectCreated)

    def kept(self, entity: str, id: str) -> Model:
        """The latest state of `id`, whichever event it was."""
        found = self.find(entity, id)
        if found is None:
            raise Held(Parent(entity, id), f"{entity} {id} is not known yet")
        return found

    def _known(self, entity: str, id: str, model: type[M]) -> M:
        found = self.kept(entity, id)
        if not isinstance(found, model):
            raise Invalid("reference-unusable", f"{entity} {id} is kept as {found.EVENT}, wanted {model.EVENT}")
        return found
