import type { ServerTime, SettingsOverride, UserRequest, UserResponse } from '@callclock/client';

export interface RoleResponse {
  name: string;
  built_in: boolean;
  created_at: string;
}

/** Which role may do what. */
export type Grants = Record<string, string[]>;

export interface CallTypeRequest {
  grants?: Grants;
  settings?: SettingsOverride;
  /** Only members may read or join; true by default. */
  members_only?: boolean;
}

export interface CallTypeResponse {
  name: string;
  grants: Grants;
  /** In effect: the defaults with this type's own settings over them. */
  settings: Record<string, unknown>;
  settings_override: SettingsOverride;
  members_only: boolean;
  built_in: boolean;
  created_at: string;
  updated_at: string;
}

export interface CapabilityResponse {
  name: string;
  description: string;
}

export interface Page {
  limit?: number;
  next?: string;
}

export interface CallsQuery extends Page {
  filter?: Record<string, unknown>;
  sort?: { field: 'created_at' | 'starts_at' | 'ended_at' | 'timer_ends_at'; direction: 1 | -1 }[];
}

export interface UpsertUsersRequest {
  users: Record<string, UserRequest>;
}

export type RoleAnswer = { role: RoleResponse } & ServerTime;
export type RolesAnswer = { roles: RoleResponse[] } & ServerTime;
export type CapabilitiesAnswer = { capabilities: CapabilityResponse[] } & ServerTime;
export type CallTypeAnswer = { call_type: CallTypeResponse } & ServerTime;
export type CallTypesAnswer = { call_types: CallTypeResponse[] } & ServerTime;
export type UserAnswer = { user: UserResponse } & ServerTime;
export type UpsertUsersAnswer = { users: Record<string, UserResponse> } & ServerTime;
export type UsersAnswer = { users: UserResponse[]; next: string | null } & ServerTime;
