import { mount } from "svelte";

import App from "./App.svelte";
import { language } from "./state/language.svelte";
import { theme } from "./state/theme.svelte";
import "./styles/fonts.css";
import "./styles/tokens.css";
import "./styles/base.css";

theme.apply();
language.apply();

const target = document.getElementById("app");
if (target === null) throw new Error("the page has no #app");
mount(App, { target });
