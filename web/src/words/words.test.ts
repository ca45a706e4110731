import { expect, test } from "vitest";

import { en } from "./en";
import { es } from "./es";

const blanks = (text: string) => [...text.matchAll(/\{\w+\}/g)].map((match) => match[0]).sort();

test("both languages leave the same blanks, and neither is empty", () => {
  for (const key of Object.keys(en) as (keyof typeof en)[]) {
    expect(blanks(es[key]), key).toEqual(blanks(en[key]));
    expect(es[key].trim(), key).not.toBe("");
  }
});
