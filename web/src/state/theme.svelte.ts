//! Light or dark: the system's choice until the person makes one.

import { recall, remember } from "./memory";

type Theme = "light" | "dark";

class ThemeChoice {
  private system = window.matchMedia("(prefers-color-scheme: dark)");
  private chosen = $state<Theme | null>(kept());
  private systemDark = $state(this.system.matches);

  constructor() {
    this.system.addEventListener("change", (event) => {
      this.systemDark = event.matches;
      this.apply();
    });
  }

  get current(): Theme {
    return this.chosen ?? (this.systemDark ? "dark" : "light");
  }

  toggle(): void {
    this.chosen = this.current === "dark" ? "light" : "dark";
    remember("theme", this.chosen);
    this.apply();
  }

  apply(): void {
    document.documentElement.dataset["theme"] = this.current;
  }
}

function kept(): Theme | null {
  const value = recall("theme");
  return value === "light" || value === "dark" ? value : null;
}

export const theme = new ThemeChoice();
