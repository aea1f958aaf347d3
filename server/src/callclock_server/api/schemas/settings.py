"""Settings of a call on the wire: the effective ones, and what a call or a call type sets itself.

The domain checks names and ranges; the ranges here are what the OpenAPI file tells.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WrapValidator

from callclock_server.api.schemas.fields import Bool, Int

MAX_DURATION_SECONDS = 86_400


def _told(minimum: int, maximum: int | None = None) -> dict[str, int]:
    return {"minimum": minimum} if maximum is None else {"minimum": minimum, "maximum": maximum}


class Resolution(BaseModel):
    width: int
    height: int
    bitrate: int = Field(description="Bits per second.")


class AudioSettings(BaseModel):
    mic_default_on: bool
    default_device: Literal["speaker", "earpiece"]


class VideoSettings(BaseModel):
    enabled: bool
    camera_default_on: bool
    camera_facing: Literal["front", "back"]
    target_resolution: Resolution


class ScreensharingSettings(BaseModel):
    enabled: bool


class BackstageSettings(BaseModel):
    enabled: bool
    join_ahead_time_seconds: int
    opens: Literal["schedule", "manual"]


class MediaSettings(BaseModel):
    engine: Literal["livekit", "none"]


StartRule = Literal["first_join", "all_roles", "scheduled", "manual"]


class ExtensionSettings(BaseModel):
    """What an extension must keep to. Null: no such rule."""

    max_count: int | None
    max_total_seconds: int | None
    steps_seconds: list[int] | None
    cooldown_seconds: int
    consent_roles: list[str]
    consent_timeout_seconds: int
    request_timeout_seconds: int


class LimitsSettings(BaseModel):
    max_duration_seconds: int | None = Field(
        description="Null: no limit. While a session runs, its own total."
    )
    max_participants: int | None
    warning_seconds: list[int]
    empty_timeout_seconds: int
    join_timeout_seconds: int
    starts: StartRule
    required_roles: list[str]
    pause_when_absent: list[str]
    absence_grace_seconds: int
    max_pause_seconds: int
    max_wall_seconds: int | None
    overtime_seconds: int
    no_show_seconds: int | None
    no_show_action: Literal["end", "tell"]
    back_to_back: Literal["off", "refuse", "warn"]
    extension: ExtensionSettings


class CallSettings(BaseModel):
    """Defaults, then the call type's settings, then the call's own, merged key by key."""

    audio: AudioSettings
    video: VideoSettings
    screensharing: ScreensharingSettings
    backstage: BackstageSettings
    media: MediaSettings
    limits: LimitsSettings


class _Override(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ResolutionOverride(_Override):
    width: Int | None = None
    height: Int | None = None
    bitrate: Int | None = None


class AudioOverride(_Override):
    mic_default_on: Bool | None = None
    default_device: Literal["speaker", "earpiece"] | None = None


class VideoOverride(_Override):
    enabled: Bool | None = None
    camera_default_on: Bool | None = None
    camera_facing: Literal["front", "back"] | None = None
    target_resolution: ResolutionOverride | None = None


class ScreensharingOverride(_Override):
    enabled: Bool | None = None


class BackstageOverride(_Override):
    enabled: Bool | None = None
    join_ahead_time_seconds: Annotated[Int, Field(json_schema_extra=_told(0))] | None = None
    opens: Literal["schedule", "manual"] | None = None


class MediaOverride(_Override):
    engine: Literal["livekit", "none"] | None = None


class ExtensionOverride(_Override):
    max_count: Annotated[Int, Field(json_schema_extra=_told(0, 1_000))] | None = None
    max_total_seconds: Annotated[Int, Field(json_schema_extra=_told(0, 86_400))] | None = None
    steps_seconds: list[Int] | None = None
    cooldown_seconds: Annotated[Int, Field(json_schema_extra=_told(0, 86_400))] | None = None
    consent_roles: list[str] | None = None
    consent_timeout_seconds: Annotated[Int, Field(json_schema_extra=_told(5, 3_600))] | None = None
    request_timeout_seconds: Annotated[Int, Field(json_schema_extra=_told(5, 3_600))] | None = None


class LimitsOverride(_Override):
    max_duration_seconds: Annotated[Int, Field(json_schema_extra=_told(1, MAX_DURATION_SECONDS))] | None = (
        Field(
            default=None, description="Seconds from the start of a session to its end; null means no limit."
        )
    )
    max_participants: Annotated[Int, Field(json_schema_extra=_told(1))] | None = None
    warning_seconds: list[Int] | None = None
    empty_timeout_seconds: Annotated[Int, Field(json_schema_extra=_told(1))] | None = None
    join_timeout_seconds: Annotated[Int, Field(json_schema_extra=_told(1))] | None = None
    starts: StartRule | None = Field(default=None, description="When the clock starts.")
    required_roles: list[str] | None = Field(
        default=None, description="For starts: all_roles, for the no-show and for the record."
    )
    pause_when_absent: list[str] | None = Field(
        default=None, description="Roles whose absence pauses the clock."
    )
    absence_grace_seconds: Annotated[Int, Field(json_schema_extra=_told(0, 3_600))] | None = None
    max_pause_seconds: Annotated[Int, Field(json_schema_extra=_told(0, 86_400))] | None = Field(
        default=None, description="All pauses together."
    )
    max_wall_seconds: Annotated[Int, Field(json_schema_extra=_told(1, 172_800))] | None = Field(
        default=None, description="From the start of the clock to the hard end."
    )
    overtime_seconds: Annotated[Int, Field(json_schema_extra=_told(0, 86_400))] | None = None
    no_show_seconds: Annotated[Int, Field(json_schema_extra=_told(1, 86_400))] | None = None
    no_show_action: Literal["end", "tell"] | None = None
    back_to_back: Literal["off", "refuse", "warn"] | None = Field(
        default=None, description="An extension that runs into a member's next call."
    )
    extension: ExtensionOverride | None = None


class SettingsOverride(_Override):
    """Settings that a call or a call type sets itself; a null value takes an override back."""

    audio: AudioOverride | None = None
    video: VideoOverride | None = None
    screensharing: ScreensharingOverride | None = None
    backstage: BackstageOverride | None = None
    media: MediaOverride | None = None
    limits: LimitsOverride | None = None


def _as_sent(value: Any, _handler: Any) -> Any:
    return value


# In requests the domain judges settings, because it knows the codes and the configured ranges: the model
# above only describes them.
SentSettings = Annotated[
    SettingsOverride, WrapValidator(_as_sent), PlainSerializer(lambda value: value, return_type=Any)
]
