/** Makes pages that work without script quicker to use. The only module that touches the document. */
import { actionFor, rowAfter } from "./keyboard.js";
import { emptyNames, messageKeyOf, stayOf } from "./messages.js";

const LOADING_BAR_AFTER_MS = 300;
const BUSY_AT_MOST_MS = 10000; // a download answers without leaving the page

/* --- messages ------------------------------------------------------------- */

function watchToast(toast) {
  let timer;
  const stay = stayOf(toast.dataset.kind, toast.textContent);
  const leave = () => toast.remove();
  const start = () => {
    clearTimeout(timer);
    if (stay !== Infinity) timer = setTimeout(leave, stay);
  };
  const pause = () => clearTimeout(timer);
  for (const name of ["pointerenter", "focusin"]) toast.addEventListener(name, pause);
  for (const name of ["pointerleave", "focusout"]) toast.addEventListener(name, start);
  toast.querySelector("[data-close-toast]").addEventListener("click", leave);
  start();
}

function showToast(messageKey) {
  const pattern = document.getElementById("toast-pattern").content.firstElementChild;
  const text = document.getElementById("messages").content.querySelector(`[data-key="${messageKey}"]`);
  const toast = pattern.cloneNode(true);
  toast.querySelector("p").textContent = text.textContent;
  document.querySelector(".toasts").replaceChildren(toast);
  watchToast(toast);
}

/** Puts the messages in again, one frame later, so that screen readers notice them. */
function announceToasts() {
  const region = document.querySelector(".toasts");
  if (!region) return;
  const toasts = [...region.children];
  toasts.forEach(watchToast);
  requestAnimationFrame(() => region.replaceChildren(...toasts));
}

/* --- dialogs and menus ------------------------------------------------------ */

/** Puts the field's text on the clipboard; over plain HTTP only the old command may. */
async function copyField(button) {
  const field = document.getElementById(button.dataset.copy);
  field.select();
  if (navigator.clipboard) await navigator.clipboard.writeText(field.value).catch(() => document.execCommand("copy"));
  else document.execCommand("copy");
  button.textContent = button.dataset.copied;
  document.getElementById("announcer").textContent = button.dataset.copied;
}

function openConfirmation(details) {
  const form = details.querySelector("form");
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  dialog.setAttribute("aria-label", form.querySelector(".confirm-question").textContent);
  dialog.append(form);
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    details.append(form);
    dialog.remove();
    details.querySelector("summary").focus();
  });
  dialog.showModal();
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu === except) continue;
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    menu.open = false;
  }
}

function onClick(event) {
  const summary = event.target.closest(".confirm > summary");
  if (summary) {
    event.preventDefault();
    openConfirmation(summary.parentElement);
  }
  event.target.closest("[data-close-confirm]")?.closest("dialog").close();
  if (event.target.matches("dialog")) event.target.close(); // a click on the ground around it

  const opener = event.target.closest("[data-open-dialog]");
  closeMenus(opener ? null : event.target.closest("details.menu"));
  if (opener) document.getElementById(opener.dataset.openDialog).showModal();

  const copier = event.target.closest("[data-copy]");
  if (copier) copyField(copier);
  if (event.target.matches(".control-copy input")) event.target.select();

  const reveal = event.target.closest("[data-reveal]");
  if (reveal) {
    const isShown = reveal.getAttribute("aria-pressed") === "true";
    document.getElementById(reveal.dataset.reveal).type = isShown ? "password" : "text";
    reveal.setAttribute("aria-pressed", String(!isShown));
  }
}

/* --- keyboard ------------------------------------------------------------------ */

function moveRow(action) {
  const rows = [...document.querySelectorAll(".table tbody tr")].filter((row) => row.querySelector("a, button"));
  const current = rows.findIndex((row) => row.contains(document.activeElement));
  rows[rowAfter(current, action, rows.length)]?.querySelector("a, button").focus();
}

function onKey(event) {
  const action = actionFor({
    key: event.key,
    hasModifier: event.ctrlKey || event.metaKey || event.altKey,
    isWriting: event.target.closest("input, textarea, select, [contenteditable], dialog") !== null,
    isComposing: event.isComposing,
  });
  if (!action) return;
  if (action === "close") return closeMenus();
  event.preventDefault();
  if (action === "search") document.querySelector("input[type=search]")?.focus();
  else if (action === "help") document.getElementById("keyboard-help").showModal();
  else moveRow(action);
}

/* --- filters apply as soon as they are chosen; a search waits for Enter --------------- */

function onChange(event) {
  const toolbar = event.target.closest(".toolbar");
  if (toolbar && event.target.type !== "search") toolbar.requestSubmit();
}

/* --- sending once ----------------------------------------------------------------- */

function setBusy(form, isBusy) {
  form.toggleAttribute("data-busy", isBusy);
  for (const button of form.querySelectorAll("button[type=submit]")) {
    if (isBusy) button.setAttribute("aria-busy", "true");
    else button.removeAttribute("aria-busy");
  }
}

function onSubmit(event) {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.hasAttribute("data-busy")) return event.preventDefault();
  setBusy(form, true);
  setTimeout(() => setBusy(form, false), BUSY_AT_MOST_MS);
}

/* --- htmx ---------------------------------------------------------------------------- */

let loadingTimer;
let openRequests = 0;

function onRequestStart() {
  openRequests += 1;
  clearTimeout(loadingTimer);
  loadingTimer = setTimeout(() => document.documentElement.setAttribute("data-loading", ""), LOADING_BAR_AFTER_MS);
}

function onRequestEnd() {
  openRequests = Math.max(0, openRequests - 1);
  if (openRequests > 0) return;
  clearTimeout(loadingTimer);
  document.documentElement.removeAttribute("data-loading");
}

function onRequestRefused(event) {
  const status = event.detail.xhr.status;
  if (status === 401) return location.reload(); // the session ended: the page leads to the sign-in
  showToast(messageKeyOf(status));
}

function onSwapped(event) {
  const region = document.getElementById(event.detail.target.id);
  if (!region?.dataset.announce) return;
  document.getElementById("announcer").textContent = region.dataset.announce;
  if (document.activeElement === document.body) region.focus({ preventScroll: true }); // what was pressed is gone
}

function onRequestConfigured(event) {
  if (event.detail.verb !== "get") return;
  for (const name of emptyNames([...event.detail.formData.entries()])) event.detail.formData.delete(name);
}

/* --- start ---------------------------------------------------------------------------- */

document.addEventListener("click", onClick);
document.addEventListener("keydown", onKey);
document.addEventListener("change", onChange);
document.addEventListener("submit", onSubmit);
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-busy]").forEach((form) => setBusy(form, false)));
document.addEventListener("htmx:configRequest", onRequestConfigured);
document.addEventListener("htmx:beforeRequest", onRequestStart);
document.addEventListener("htmx:afterRequest", onRequestEnd);
document.addEventListener("htmx:responseError", onRequestRefused);
document.addEventListener("htmx:sendError", onRequestRefused);
document.addEventListener("htmx:afterSettle", onSwapped);
announceToasts();
document.querySelector("[data-focus]")?.focus();
