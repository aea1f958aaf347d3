import { listOf } from '../clock_words.js';
import { useNamesOfRoles } from '../hooks/useNamesOfRoles.js';
import { useNoShow } from '../hooks/useNoShow.js';
import { useSessionClock } from '../hooks/useSessionClock.js';
import { NoticeRow } from './NoticeRow.js';

export interface NoShowNoticeProps {
  className?: string;
}

const NOBODY: string[] = [];

/** Somebody who was needed has not come in time. Goes when the clock starts after all. */
export function NoShowNotice({ className }: NoShowNoticeProps) {
  const noShow = useNoShow();
  const { state } = useSessionClock();
  const names = useNamesOfRoles(noShow?.roles ?? NOBODY);
  const isMissing = noShow !== undefined && state === 'waiting';
  return (
    <NoticeRow
      kind="no-show"
      role="alert"
      className={className}
      text={isMissing ? `${listOf(names)} ${names.length > 1 ? 'have' : 'has'} not come.` : ''}
      detail="You can go on waiting, or leave the call."
    />
  );
}
