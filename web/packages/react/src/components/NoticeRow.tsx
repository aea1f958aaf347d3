import type { ReactNode } from 'react';

export interface NoticeRowProps {
  kind: 'waiting' | 'paused' | 'overtime' | 'offer' | 'request' | 'no-show';
  /** What is said, once; empty while there is nothing to say. */
  text: string;
  /** Seen and read on, but not announced. */
  detail?: ReactNode;
  /** `alert` breaks in; `status` waits for a pause in what is being read. */
  role?: 'status' | 'alert';
  className?: string;
  /** What can be done about it. */
  children?: ReactNode;
}

/**
 * A row of words that takes room of its own while it has something to say. The text is in the page all the
 * time, so that screen readers hear it change; it must stand still while it says the same.
 */
export function NoticeRow({ kind, text, detail, role = 'status', className = '', children }: NoticeRowProps) {
  const isShown = text !== '';
  return (
    <div className={`cc-notice ${className}`} data-kind={kind} data-shown={isShown}>
      <div className="cc-notice-words">
        <p className="cc-notice-text" role={role}>
          {text}
        </p>
        {isShown && detail !== undefined && detail !== '' && <p className="cc-notice-detail">{detail}</p>}
      </div>
      {isShown && children !== undefined && <div className="cc-notice-actions">{children}</div>}
    </div>
  );
}
