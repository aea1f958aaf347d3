/** The settings of a call and of a call type, as they travel. Durations are whole seconds. */

export interface AudioSettings {
  mic_default_on: boolean;
  default_device: 'speaker' | 'earpiece';
}

export interface TargetResolution {
  width: number;
  height: number;
  /** Bits per second. */
  bitrate: number;
}

export interface VideoSettings {
  enabled: boolean;
  camera_default_on: boolean;
  camera_facing: 'front' | 'back';
  target_resolution: TargetResolution;
}

export interface ScreensharingSettings {
  enabled: boolean;
}

export interface BackstageSettings {
  /** People without `join-backstage` wait until they are let in. */
  enabled: boolean;
  /** With `opens: schedule` the doors open so long before `starts_at`. */
  join_ahead_time_seconds: number;
  /** `manual`: only by `admit` or `goLive`. */
  opens: 'schedule' | 'manual';
}

export interface MediaSettings {
  /** `none`: pictures and sound travel elsewhere, only the clock is used. */
  engine: 'livekit' | 'none';
}

/** How a session may be extended. */
export interface ExtensionSettings {
  /** How often; null = as often as one likes. */
  max_count: number | null;
  /** Seconds in all; null = no cap. */
  max_total_seconds: number | null;
  /** The lengths that may be added; null = any. */
  steps_seconds: number[] | null;
  /** Between two extensions. */
  cooldown_seconds: number;
  /** One person of any of these roles must accept; empty = nobody is asked. */
  consent_roles: string[];
  consent_timeout_seconds: number;
  request_timeout_seconds: number;
}

export interface LimitsSettings {
  /** Total length of a session; null = no limit. While a session runs: the running session's own total. */
  max_duration_seconds: number | null;
  max_participants: number | null;
  /** Seconds before the end at which everybody is warned. */
  warning_seconds: number[];
  empty_timeout_seconds: number;
  join_timeout_seconds: number;
  /** When the clock starts. `all_roles`: as soon as the `required_roles` are there. */
  starts: 'first_join' | 'all_roles' | 'scheduled' | 'manual';
  required_roles: string[];
  /** The clock stands still while one of these is absent for longer than `absence_grace_seconds`. */
  pause_when_absent: string[];
  absence_grace_seconds: number;
  /** All pauses together. */
  max_pause_seconds: number;
  /** Since the clock started, pauses and overtime included; null = no cap. */
  max_wall_seconds: number | null;
  /** After zero the clock counts up for so long; then the call ends. */
  overtime_seconds: number;
  no_show_seconds: number | null;
  no_show_action: 'end' | 'tell';
  /** What to do with an extension that runs into a member's next call. */
  back_to_back: 'off' | 'refuse' | 'warn';
  extension: ExtensionSettings;
}

export interface CallSettings {
  audio: AudioSettings;
  video: VideoSettings;
  screensharing: ScreensharingSettings;
  backstage: BackstageSettings;
  media: MediaSettings;
  limits: LimitsSettings;
}

/** A part of settings; null takes a value back to the default. */
type Override<T> = { [Key in keyof T]?: (T[Key] extends readonly unknown[] | string | number | boolean | null ? T[Key] : Override<T[Key]>) | null };

/** Settings to merge over the defaults, key by key. */
export type SettingsOverride = Override<CallSettings>;
