"""Docker's JSON of a config, its data included, to the value of procedures.effects."""

from base64 import b64encode
from typing import Annotated

from pydantic import Base64Bytes, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

from orchestrator.procedures.effects import StoredConfig


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Made(_Model):
    id: str = Field(alias="ID", min_length=1)


class _Version(_Model):
    index: int = Field(alias="Index")


class _Spec(_Model):
    name: str = Field(alias="Name")
    labels: Annotated[dict[str, str], BeforeValidator(lambda value: value or {})] = Field(
        default_factory=dict, alias="Labels"
    )
    data: Annotated[Base64Bytes, BeforeValidator(lambda value: value or "")] = Field(
        b"", alias="Data"
    )


class _Config(_Made):
    version: _Version = Field(alias="Version")
    spec: _Spec = Field(alias="Spec")
    updated_at: str = Field("", alias="UpdatedAt")


_CONFIGS = TypeAdapter(tuple[_Config, ...])


def encoded(data: bytes) -> str:
    """Return data as `POST /configs/create` wants it."""
    return b64encode(data).decode("ascii")


def made_id(raw: bytes) -> str:
    """Read the id from the answer to `POST /configs/create`; ValidationError if there is none."""
    return _Made.model_validate_json(raw).id


def one(raw: bytes) -> StoredConfig:
    """Read `GET /configs/ID`; ValidationError if it is something else."""
    return _stored(_Config.model_validate_json(raw))


def named(raw: bytes, name: str) -> StoredConfig | None:
    """Read from `GET /configs` the config of that name, whatever its case.

    Docker's names are unique without regard to case (swarmkit manager/state/store/configs.go);
    its filter `name` finds prefixes.
    """
    wanted = name.lower()
    found = (seen for seen in _CONFIGS.validate_json(raw) if seen.spec.name.lower() == wanted)
    return next(map(_stored, found), None)


def _stored(seen: _Config) -> StoredConfig:
    return StoredConfig(
        id=seen.id,
        name=seen.spec.name,
        version=seen.version.index,
        labels=tuple(sorted(seen.spec.labels.items())),
        data=seen.spec.data,
        updated_at=seen.updated_at,
    )
