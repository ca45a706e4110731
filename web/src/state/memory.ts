//! What the browser may keep: choices of the person, and words not yet sent. Storage that is
//! switched off is the same as storage that is empty.

export function recall(name: string): string | null {
  return attempt(() => localStorage.getItem(`plumbline.${name}`));
}

export function remember(name: string, value: string): void {
  attempt(() => localStorage.setItem(`plumbline.${name}`, value));
}

/** Words typed but not sent, and keys of acts under way; gone when the tab is. */
export const tab = {
  recall: (name: string): string | null => attempt(() => sessionStorage.getItem(`plumbline.${name}`)),
  remember: (name: string, value: string): void => {
    attempt(() => sessionStorage.setItem(`plumbline.${name}`, value));
  },
  forget: (name: string): void => {
    attempt(() => sessionStorage.removeItem(`plumbline.${name}`));
  },
};

function attempt<T>(act: () => T): T | null {
  try {
    return act();
  } catch {
    return null;
  }
}
