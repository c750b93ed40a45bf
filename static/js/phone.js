/** Scanning on the phone: gun, camera and hand fill the same form. The only module of the phone that touches the document. */
import { SILENCE_MS, TONES, codeOf, isFromGun, isNews, noBurst, withKey, withLine } from "./scanner.js";

/* --- what was read goes where the page wants it ------------------------------------- */

const waiting = [];
let isSending = false;

function onCode(text) {
  const code = codeOf(text);
  const list = document.querySelector("[data-scan-list]");
  if (list) return addLine(document.getElementById(list.dataset.scanList), code);
  waiting.push(code);
  sendNext();
}

function sendNext() {
  const form = document.querySelector("form[data-scan-form]");
  if (!form || isSending || waiting.length === 0) return;
  isSending = Boolean(window.htmx);
  form.querySelector("[data-scan-input]").value = waiting.shift();
  form.requestSubmit();
}

function addLine(list, code) {
  list.value = withLine(list.value, code);
  list.scrollTop = list.scrollHeight;
  play("ok");
  countLines();
}

function countLines() {
  for (const count of document.querySelectorAll("[data-line-count]")) {
    const text = document.getElementById(count.dataset.lineCount).value;
    count.textContent = String(text.split("\n").filter((line) => line.trim()).length);
  }
}

/* --- the answer: swapped in also when it is a refusal, and heard --------------------- */

function onBeforeSwap(event) {
  const { target, xhr, serverResponse } = event.detail;
  if (!target?.matches?.("[data-scan-region]") || xhr.status < 400) return;
  if (!/id="work"[^>]*data-scan-region/.test(serverResponse ?? "")) return;
  event.detail.shouldSwap = true;
  event.detail.isError = false;
}

function onSettled(event) {
  const region = event.target;
  if (!region.matches?.("[data-scan-region]")) return; // the dock settles by itself
  isSending = false;
  const input = region.querySelector("[data-scan-input]");
  if (input) input.value = "";
  if (region.dataset.tone) play(region.dataset.tone);
  showCamera();
  sendNext();
}

function onLost() {
  isSending = false;
  waiting.length = 0; // what comes after a scan that was lost would go to the wrong place
  play("bad");
}

let audio;

function play(tone) {
  const { sound, shake } = TONES[tone] ?? {};
  if (!sound) return;
  navigator.vibrate?.(shake);
  if (!audio) return;
  const [hertz, milliseconds, wave] = sound;
  const oscillator = audio.createOscillator();
  const volume = audio.createGain();
  oscillator.type = wave;
  oscillator.frequency.value = hertz;
  volume.gain.value = 0.2;
  oscillator.connect(volume).connect(audio.destination);
  oscillator.start();
  oscillator.stop(audio.currentTime + milliseconds / 1000);
}

/** Browsers let a page sound only after somebody touched it. */
function allowSound() {
  audio ??= window.AudioContext && new AudioContext();
  audio?.resume();
}

/* --- the gun ------------------------------------------------------------------------------ */

let burst = noBurst();
let before = null; // the field that was written into, as it was before the burst
let silence;

function takeBurst() {
  clearTimeout(silence);
  const text = burst.text;
  burst = noBurst();
  if (before) before.field.value = before.value;
  before = null;
  onCode(text);
}

function onKeydown(event) {
  if (event.isComposing || event.key === "Process") return warnOfConversion(true);
  if (event.key === "F2" || event.key === "F4") return onFunctionKey(event);
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || !hasScanTarget()) {
    burst = noBurst();
    return;
  }
  if (event.key === "Shift") return;
  clearTimeout(silence);
  if ((event.key === "Enter" || event.key === "Tab") && isFromGun(burst)) {
    event.preventDefault();
    event.stopPropagation();
    takeBurst();
    return;
  }
  const longer = withKey(burst, event.key, event.timeStamp);
  if (longer.startedAt === event.timeStamp && longer.text) {
    const field = event.target.matches?.("input, textarea") ? event.target : null;
    before = field && { field, value: field.value };
  }
  burst = longer;
  if (isFromGun(burst)) silence = setTimeout(takeBurst, SILENCE_MS);
}

function hasScanTarget() {
  return document.querySelector("[data-scan-form], [data-scan-list]") !== null;
}

function warnOfConversion(isOn) {
  for (const warning of document.querySelectorAll("[data-ime-warning]")) warning.hidden = !isOn;
}

function onFunctionKey(event) {
  const input = document.querySelector("[data-scan-input]");
  if (!input) return;
  event.preventDefault();
  if (event.key === "F2") input.focus();
  else openCamera();
}

/* --- the camera ------------------------------------------------------------------------------ */

let told = { code: "", at: 0 };
let stream;

function showCamera() {
  for (const button of document.querySelectorAll("[data-open-camera]")) button.hidden = !("BarcodeDetector" in window);
}

async function openCamera() {
  const dialog = document.getElementById("camera");
  if (!dialog || !("BarcodeDetector" in window)) return;
  dialog.showModal();
  dialog.addEventListener("close", closeCamera, { once: true });
  const video = dialog.querySelector("[data-camera]");
  const refused = dialog.querySelector("[data-camera-refused]");
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    refused.hidden = false;
    return;
  }
  refused.hidden = true;
  video.srcObject = stream;
  await video.play();
  look(new window.BarcodeDetector({ formats: ["qr_code", "code_128", "data_matrix"] }), video, dialog);
}

async function look(detector, video, dialog) {
  if (!stream || !dialog.open) return;
  const [found] = await detector.detect(video).catch(() => []);
  const now = performance.now();
  if (found && isNews(found.rawValue, now, told)) {
    told = { code: found.rawValue, at: now };
    dialog.close();
    onCode(found.rawValue);
    return;
  }
  requestAnimationFrame(() => look(detector, video, dialog));
}

function closeCamera() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = undefined;
}

function onClick(event) {
  allowSound();
  if (event.target.closest("[data-open-camera]")) return openCamera();
  if (!event.target.closest("[data-start-scan]")) return;
  const input = document.querySelector("[data-scan-input]");
  if (!input) return;
  event.preventDefault();
  input.scrollIntoView({ block: "center" });
  if ("BarcodeDetector" in window) openCamera();
  else input.focus({ preventScroll: true });
}

/* --- start ------------------------------------------------------------------------------------- */

document.addEventListener("keydown", onKeydown, { capture: true });
document.addEventListener("input", (event) => {
  if (!event.isComposing) warnOfConversion(false);
  countLines();
});
document.addEventListener("click", onClick);
document.addEventListener("keydown", allowSound, { once: true });
document.addEventListener("visibilitychange", () => document.hidden && document.getElementById("camera")?.close());
document.addEventListener("htmx:beforeSwap", onBeforeSwap);
document.addEventListener("htmx:afterSettle", onSettled);
document.addEventListener("htmx:sendError", onLost);
document.addEventListener("htmx:responseError", onLost);
showCamera();
countLines();
